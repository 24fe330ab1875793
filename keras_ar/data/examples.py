"""Whatever a recipe names: a public data set, or the user's own files."""

import os

import numpy as np

from keras_ar.data.array_file import load_array_file
from keras_ar.data.audio import load_audio
from keras_ar.data.catalog import DATASETS
from keras_ar.data.images import load_images
from keras_ar.data.splits import check_limit
from keras_ar.data.text import load_text
from keras_ar.data.vocabulary import Vocabulary


def load_examples(
    name: str | os.PathLike[str],
    split: str,
    *,
    labels: bool = False,
    limit: int | None = None,
    levels: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Load a whole split into memory, as the integers that a model takes.

    Args:
        name: One of ``DATASETS``, or the path of an ``.npz`` file of arrays, of a folder of
            WAV files or of a ``.txt`` file.
        split: As for ``load_images``, ``load_array_file``, ``load_audio`` or ``load_text``.
        labels: Also return the labels.
        limit: Keep only the first so many examples. A text is one.
        levels: Number of codes of audio, 256 if not given.
        vocabulary: The codes of the characters of a text, which needs it.

    Shapes:
        Images: ``(number, height, width, channels)``, uint8.
        Audio: ``(number, time)``, as ``load_audio`` pads it.
        Text: ``(1, time)``, int32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If name or split is unknown, labels are asked of what has none, a text
            comes without a vocabulary or has a character that is not in it, or an argument is
            given that does not belong to such data.
        RuntimeError: If a data set is not prepared and cannot be downloaded.
    """
    kind = kind_of_examples(name)
    if (vocabulary is not None) != (kind == "text"):
        lacks = "needs a vocabulary" if kind == "text" else f"is {kind} and takes no vocabulary"
        raise ValueError(f"{os.fspath(name)!r} {lacks}.")
    if levels is not None and kind != "audio":
        raise ValueError(f"{os.fspath(name)!r} is {kind} and takes no levels.")
    if kind == "audio":
        return load_audio(name, split, levels=levels or 256, labels=labels, limit=limit)
    if kind == "text":
        check_limit(limit)
        if labels:
            raise ValueError(f"The text {os.fspath(name)!r} has no labels.")
        return vocabulary.encode(load_text(name, split))[None]
    load = load_array_file if kind == "arrays" else load_images
    return load(name, split, labels=labels, limit=limit)


def is_array_file(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a file of arrays."""
    return os.fspath(name).endswith(".npz")


def kind_of_examples(name: str | os.PathLike[str]) -> str:
    """Say what a name stands for: ``"images"``, ``"arrays"``, ``"audio"`` or ``"text"``."""
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name].kind
    if is_array_file(name):
        return "arrays"
    if os.fspath(name).endswith(".txt"):
        return "text"
    return "audio" if os.path.isdir(name) else "images"
