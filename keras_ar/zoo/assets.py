"""What a model folder holds besides the model: the characters of a model of text."""

import hashlib
import os
import pathlib

from keras_ar.data import Vocabulary
from keras_ar.zoo.model_files import CONFIG, METADATA, find_file, read_json

__all__ = ["VOCABULARY", "read_vocabulary", "write_vocabulary"]

VOCABULARY = "assets/vocabulary.json"


def write_vocabulary(vocabulary: Vocabulary, folder: str | os.PathLike) -> str:
    """Write ``assets/vocabulary.json`` into a model folder.

    Returns:
        Its sha256, which ``metadata.json`` is to name as ``vocabulary_sha256``.
    """
    path = pathlib.Path(folder) / VOCABULARY
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.save(path)
    return _sha256_of(path)


def read_vocabulary(folder: str | os.PathLike) -> Vocabulary | None:
    """Read the vocabulary of a model folder; ``None`` if the model is none of text.

    Raises:
        FileNotFoundError: If the folder lacks the vocabulary that its metadata names.
        ValueError: If the file is not that one, or does not fit the model.
    """
    folder = pathlib.Path(folder)
    metadata = read_json(folder / METADATA) if (folder / METADATA).is_file() else {}
    if "vocabulary_sha256" not in metadata:
        return None
    path = find_file(folder, VOCABULARY)
    read_json(path)
    if _sha256_of(path) != metadata["vocabulary_sha256"]:
        raise ValueError(f"{path} is not the one that {METADATA} names: get the folder again.")
    vocabulary = Vocabulary.load(path)
    size = read_json(find_file(folder, CONFIG)).get("config", {}).get("vocabulary_size")
    if vocabulary.size != size:
        raise ValueError(f"{path} has {vocabulary.size} characters, and the model {size} codes.")
    return vocabulary


def _sha256_of(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
