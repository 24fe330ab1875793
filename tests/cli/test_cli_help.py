import re
import shlex
import subprocess
import sys

import pytest

from keras_ar.cli import main
from keras_ar.cli.entry import _COMMANDS
from keras_ar.version import __version__

COMMANDS = ("list", "info", "sample", "complete", "evaluate", "train", "export", "publish")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_commands_are_listed(arguments, capsys):
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert any(line.split()[:1] == [command] and line.endswith(".") for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("before", [[], ["some_model", "--seed=1"]])
def test_help_gives_usage_examples_and_what_is_written(command, before, capsys):
    assert main([command, *before, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: keras-ar {command} ")
    assert f"\n  keras-ar {command}" in out.split("examples:")[1]
    assert re.search(r"[Ww]rites|is\s+written", out)
    assert "--[no]debug" in out.split("flags:")[1]
    assert max(map(len, out.splitlines())) <= 100


def test_help_names_every_flag_with_its_default(capsys):
    main(["sample", "--help"])
    out = capsys.readouterr().out
    of_all = ("count", "seed", "temperature", "top_k", "top_p", "condition", "output")
    of_sequences = ("seconds", "digit", "speaker", "features_of", "prompt", "length")
    for flag in (*of_all, *of_sequences):
        assert f"--{flag} (" in out
    assert "Default: 16 images" in out and "Default: samples.png" in out


def test_the_examples_of_the_help_texts_are_understood():
    for command in _COMMANDS.values():
        for example in command.examples:
            name, *arguments = shlex.split(example)
            assert name == command.name
            command.parse(arguments)


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"keras-ar {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "hint"), [("smaple", "sample"), ("complet", "complete"), ("xyzzy", "there are list")]
)
def test_an_unknown_command_is_answered_with_the_nearest(typed, hint, capsys):
    assert main([typed]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert typed in captured.err and hint in captured.err
    assert len(captured.err.splitlines()) == 1


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "keras_ar", "smaple"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith("keras-ar: there is no command 'smaple'; did you mean sample?\n")
    assert "Traceback" not in done.stderr
