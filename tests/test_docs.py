"""The documentation: its code, names, links and tables, and what docstrings owe."""

import ast
import doctest
import importlib
import inspect
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_ar

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("README.md")])
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
GLOBALS = {"keras_ar": keras_ar, "keras": keras, "np": np}


def python_blocks(page: pathlib.Path) -> list[tuple[int, str]]:
    """Return the line on which each Python block of a page starts, and its code."""
    text = page.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(text[: match.start()].count("\n") + 2, match[1]) for match in found]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def resolve(name: str) -> object:
    """Look up a dotted name, importing what is a module."""
    first, *rest = name.split(".")
    found, path = importlib.import_module(first), first
    for part in rest:
        path = f"{path}.{part}"
        if not hasattr(found, part):
            importlib.import_module(path)
        found = getattr(found, part)
    return found


def heading_anchors(page: pathlib.Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_doctest(test: doctest.DocTest) -> None:
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=False)
    assert not failed, "".join(report)


def test_there_are_pages():
    assert {"quickstart.md", "conventions.md", "zoo.md"} <= {page.name for page in PAGES}


@every_page
def test_every_python_block_compiles_and_imports_what_exists(page):
    for line, code in python_blocks(page):
        if ">>>" in code:
            continue
        tree = ast.parse(code, f"{page.name}, block at line {line}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_ar"):
                # Not by attributes: `keras_ar.receptive_field` is a function and a module.
                module = importlib.import_module(node.module)
                for imported in node.names:
                    assert hasattr(module, imported.name), f"{node.module}.{imported.name}"


@every_page
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Shapes print as TensorFlow's.")
def test_every_interactive_block_prints_what_it_shows(page):
    names = dict(GLOBALS)  # One session per page: a block may use what those before it defined.
    for line, code in python_blocks(page):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
            run_doctest(test)
            names = test.globs


@every_page
def test_every_name_of_the_package_on_a_page_exists(page):
    for name in set(re.findall(r"(?<![\w/.>])keras_ar(?:\.[A-Za-z_]\w*)+", page.read_text())):
        resolve(name)


@every_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in heading_anchors(target), f"{page.name}: {link}"


@every_page
def test_every_file_of_the_repository_on_a_page_exists(page):
    named = r"`((?:keras_ar|scripts|tests|docs)/[\w./]*\w)`"
    for path in re.findall(named, page.read_text()):
        assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_tables_and_plots_are_those_of_the_files_of_the_zoo():
    script = ROOT / "scripts" / "render_zoo_table.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def public_objects() -> dict[str, object]:
    packages = (keras_ar.layers, keras_ar.models, keras_ar.distributions)
    names = [(package, name) for package in packages for name in package.__all__]
    if keras.backend.backend() != "tensorflow":
        names = [pair for pair in names if pair[1] != "DiscretizedLogisticMixture"]
    return {f"{package.__name__}.{name}": getattr(package, name) for package, name in names}


@pytest.mark.parametrize("name", public_objects())
def test_every_public_docstring_has_the_sections_it_owes(name):
    described = public_objects()[name]
    # Not inherited: a class without a docstring of its own must not pass by that of its base.
    text = inspect.cleandoc(described.__doc__ or "")
    first, *_ = text.split("\n")
    assert first.endswith(".") and len(first) < 100, f"{name}: no first line, or not one sentence."
    is_class = inspect.isclass(described)
    parameters = inspect.signature(described).parameters
    for parameter in parameters.values():
        if parameter.name == "self" or parameter.kind is parameter.VAR_KEYWORD:
            continue
        # One argument may stand in the sentence itself instead of a section.
        documented = rf"^    {parameter.name}: |``{parameter.name}``"
        assert re.search(documented, text, re.MULTILINE), f"{name}: {parameter.name}"
    if is_class and issubclass(described, keras.layers.Layer):
        is_base = described is keras_ar.AutoregressiveModel
        assert is_base or "\nShapes:\n" in text, f"{name}: no Shapes."


def docstring_examples() -> dict[str, doctest.DocTest]:
    finder, found = doctest.DocTestFinder(exclude_empty=True), {}
    for package in (keras_ar.layers, keras_ar.models):
        for path in sorted(pathlib.Path(package.__file__).parent.glob("*.py")):
            module = importlib.import_module(f"{package.__name__}.{path.stem}")
            for test in finder.find(module, extraglobs=GLOBALS):
                if test.examples:
                    found[test.name] = test
    return found


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Shapes print as TensorFlow's.")
@pytest.mark.parametrize("name", docstring_examples())
def test_every_example_of_a_layer_or_model_prints_what_it_shows(name):
    run_doctest(docstring_examples()[name])


def test_there_are_examples():
    assert len(docstring_examples()) >= 2
