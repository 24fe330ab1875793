"""What a model folder holds besides the model: the characters of a model of text."""

import os
import pathlib

from keras_ar.data import Vocabulary

__all__ = ["VOCABULARY", "read_vocabulary", "write_vocabulary"]

VOCABULARY = "assets/vocabulary.json"


def write_vocabulary(vocabulary: Vocabulary, folder: str | os.PathLike) -> None:
    """Write ``assets/vocabulary.json`` into a model folder."""
    path = pathlib.Path(folder) / VOCABULARY
    path.parent.mkdir(exist_ok=True)
    vocabulary.save(path)


def read_vocabulary(folder: str | os.PathLike) -> Vocabulary | None:
    """Read the vocabulary of a model folder; ``None`` if it has none.

    Raises:
        ValueError: If the file is damaged.
    """
    path = pathlib.Path(folder) / VOCABULARY
    return Vocabulary.load(path) if path.is_file() else None
