"""The module ``keras_ar.zoo.card``, loaded from its file.

Importing the package would import a backend, which takes seconds and which writing a table or a
card does not need.
"""

import importlib.util
import pathlib

__all__ = ["card"]

_PATH = pathlib.Path(__file__).resolve().parents[1] / "keras_ar" / "zoo" / "card.py"
_SPEC = importlib.util.spec_from_file_location("card", _PATH)
card = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(card)
