import ast
from pathlib import Path

import pytest

import keras_ar.data


@pytest.mark.parametrize("file", sorted(Path(keras_ar.data.__file__).parent.glob("*.py")))
def test_no_file_imports_tensorflow_when_it_is_loaded(file):
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.startswith("tensorflow")]
