import ast
import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import keras_ar.data

FILES = sorted(Path(keras_ar.data.__file__).parent.glob("*.py"))
by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@by_file
def test_no_file_imports_tensorflow_when_it_is_loaded(file):
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.startswith("tensorflow")]


@by_file
def test_every_example_prints_what_it_shows(file):
    name = "keras_ar.data" if file.stem == "__init__" else f"keras_ar.data.{file.stem}"
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(importlib.import_module(name), extraglobs={"np": np}):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def test_there_are_examples():
    assert sum(">>>" in file.read_text() for file in FILES) >= 5
