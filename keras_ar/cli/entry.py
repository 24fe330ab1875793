"""Choose the subcommand, run it, and turn errors of the user into sentences."""

import difflib
import os
import sys
from collections.abc import Sequence

from absl import app, flags

from keras_ar.cli.browse import INFO, LIST
from keras_ar.cli.generate import COMPLETE, SAMPLE
from keras_ar.cli.produce import EVALUATE, EXPORT, TRAIN
from keras_ar.cli.publish import PUBLISH
from keras_ar.version import __version__

__all__ = ["main"]

_ALL = (LIST, INFO, SAMPLE, COMPLETE, EVALUATE, TRAIN, EXPORT, PUBLISH)
_COMMANDS = {command.name: command for command in _ALL}
_HELP = frozenset({"--help", "-h", "-help"})
# What the library raises, in sentences, about what it was given and what it found.
_USER_ERRORS = (ValueError, OSError, ImportError, RuntimeError, ArithmeticError)


def _overview() -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in _COMMANDS.items()]
    return "\n".join(
        [
            "usage: keras-ar COMMAND [arguments] [flags]",
            "",
            "Pretrained deep autoregressive models: sample, complete, measure, train and serve.",
            "",
            "commands:",
            *lines,
            "",
            "keras-ar COMMAND --help explains one of them; keras-ar --version prints the version.",
        ]
    )


def _fail(where: str, message: str, code: int) -> int:
    print(f"{where}: {message}", file=sys.stderr)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``keras-ar``.

    Args:
        argv: The command line without the program's name; that of the process by default.

    Returns:
        The exit code: 0, 1 if the command failed, 2 if it was not understood; 130 if it was
        interrupted, 141 if nobody reads on.
    """
    # TensorFlow logs a page before the first result; who set a level gets that level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    name, *arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in _HELP:
        print(_overview())
        return 0
    if name == "--version":
        print(f"keras-ar {__version__}")
        return 0
    if name not in _COMMANDS:
        nearest = difflib.get_close_matches(name, _COMMANDS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(_COMMANDS)}."
        return _fail("keras-ar", f"there is no command {name!r}; {hint}", 2)
    command, where = _COMMANDS[name], f"keras-ar {name}"
    if _HELP.intersection(arguments):
        print(command.help())
        return 0
    try:
        values, positional = command.parse(arguments)
    except (flags.Error, app.UsageError) as error:
        return _fail(where, f"{error}\nusage: {command.usage}", 2)
    try:
        command.run(values, *positional)
        sys.stdout.flush()
    except app.UsageError as error:
        return _fail(where, f"{error}\nusage: {command.usage}", 2)
    except KeyboardInterrupt:
        return _fail(where, "interrupted.", 130)
    except BrokenPipeError:
        # Whoever reads, such as head, has enough. What is left must not go there at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except _USER_ERRORS as error:
        if values.debug:
            raise
        return _fail(where, _sentence(error), 1)
    return 0
