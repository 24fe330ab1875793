"""The shape of the package: imports flow one way, loading is light, files are short."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keras_ar

_ROOT = Path(keras_ar.__file__).parent
_FILES = sorted(_ROOT.rglob("*.py"))

# What each package may import besides itself; packages that are not named may import anything
# that is not a command line.
_ALLOWED = {
    "data": set(),
    "layers": {"loop"},
    "distributions": set(),
    "sampling": {"distributions", "loop"},
    "models": {"layers", "distributions", "sampling"},
}
_LAST = {"cli", "__main__"}


def part_of(file: Path) -> str:
    """Name the first part below the package: a folder or a module."""
    return file.relative_to(_ROOT).parts[0].removesuffix(".py")


def imported_parts(file: Path) -> set[str]:
    """Name the parts of keras_ar that a file imports, inside functions too."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively."
            names.append(node.module)
            if node.module == "keras_ar":
                names += [f"keras_ar.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("keras_ar.")}


@pytest.mark.parametrize("part", _ALLOWED)
def test_imports_flow_one_way(part):
    files = [file for file in _FILES if part_of(file) == part]
    assert files
    for file in files:
        beyond = imported_parts(file) - {part} - _ALLOWED[part]
        assert not beyond, f"{file.relative_to(_ROOT)} imports {sorted(beyond)}."


def test_nothing_imports_the_command_line():
    for file in _FILES:
        if part_of(file) not in _LAST:
            assert not imported_parts(file) & _LAST, file


def test_an_import_inside_a_function_is_seen(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from keras_ar import zoo\n    import keras_ar.models.base\n")
    assert imported_parts(file) == {"zoo", "models"}


def test_importing_keras_ar_loads_neither_tensorflow_probability_nor_tensorflow_datasets():
    program = (
        "import sys, keras_ar;"
        "print(*{'tensorflow_datasets', 'tensorflow_probability'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_no_file_is_longer_than_a_sitting():
    for file in [*_FILES, *Path(__file__).parent.rglob("*.py")]:
        lines = len(file.read_text().splitlines())
        # The one model class, which everything a user calls belongs to, is the longest.
        limit = 500 if file == _ROOT / "models" / "base.py" else 400
        assert lines <= limit, f"{file} has {lines} lines."
