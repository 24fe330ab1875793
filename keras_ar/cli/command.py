"""What a subcommand is."""

import dataclasses
import re
import textwrap
from collections.abc import Callable, Sequence

from absl import app, flags

__all__ = ["Command"]

_WIDTH = 88


@dataclasses.dataclass(frozen=True)
class Command:
    """A subcommand of ``keras-ar``: its flags, its help and what it does.

    Args:
        name: What the user types.
        summary: One sentence, for the list of subcommands too.
        arguments: Names of the positional arguments, all of them required.
        details: What the arguments mean and what is written, in paragraphs.
        examples: Command lines, without ``keras-ar``.
        define_flags: Defines the flags on the given ``FlagValues``, which no other subcommand
            sees.
        run: Called with the parsed flags and the positional arguments.
    """

    name: str
    summary: str
    arguments: tuple[str, ...]
    details: str
    examples: tuple[str, ...]
    define_flags: Callable[[flags.FlagValues], None]
    run: Callable[..., None]

    @property
    def usage(self) -> str:
        """Return the usage line."""
        return " ".join(["keras-ar", self.name, *self.arguments, "[flags]"])

    def new_flags(self) -> flags.FlagValues:
        """Return the command's flags, not parsed yet."""
        values = flags.FlagValues()
        self.define_flags(values)
        flags.DEFINE_bool("debug", False, "Show the traceback of an error.", flag_values=values)
        return values

    def parse(self, arguments: Sequence[str]) -> tuple[flags.FlagValues, list[str]]:
        """Separate flags and positional arguments, which may be mixed.

        Raises:
            absl.flags.Error: If a flag is unknown, missing or has an illegal value.
            absl.app.UsageError: If the number of positional arguments is wrong.
        """
        values = self.new_flags()
        # --dry-run is what most tools say; absl knows flags by their Python names.
        spelled = [
            re.sub(r"^--[\w-]+", lambda m: "--" + m[0][2:].replace("-", "_"), x) for x in arguments
        ]
        _, *positional = values([self.name, *spelled])
        if len(positional) != len(self.arguments):
            wanted = " and ".join(self.arguments) or "no argument"
            raise app.UsageError(f"expected {wanted}; got {' '.join(positional) or 'nothing'}.")
        return values, positional

    def help(self) -> str:
        """Return the whole help text."""
        paragraphs = [
            textwrap.fill(" ".join(p.split()), _WIDTH) for p in self.details.split("\n\n")
        ]
        examples = [f"  keras-ar {line}" for line in self.examples]
        return "\n".join(
            [
                f"usage: {self.usage}",
                "",
                self.summary,
                "",
                "\n\n".join(paragraphs),
                "",
                "examples:",
                *examples,
                "",
                "flags:",
                *self._describe_flags(),
            ]
        )

    def _describe_flags(self) -> list[str]:
        values = self.new_flags()
        lines = []
        for name in values:
            flag = values[name]
            heading = f"  --[no]{name}" if flag.boolean else f"  --{name} ({flag.flag_type()})"
            default = "" if flag.default is None or flag.boolean else f" Default: {flag.default}."
            text = " ".join(f"{flag.help}{default}".split())
            indent = " " * 8
            lines += [
                heading,
                textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent),
            ]
        return lines
