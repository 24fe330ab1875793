"""Whatever a recipe names: a public data set, or a file of arrays."""

import os

import numpy as np

from keras_ar.data.array_file import load_array_file
from keras_ar.data.images import load_images


def load_examples(
    name: str | os.PathLike[str], split: str, *, labels: bool = False, limit: int | None = None
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Load a whole split into memory.

    Args:
        name: One of ``DATASETS``, or the path of an ``.npz`` file.
        split: As for ``load_images`` or ``load_array_file``.
        labels: Also return the labels.
        limit: Keep only the first so many examples.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If name or split is unknown.
        RuntimeError: If a data set is not prepared and cannot be downloaded.
    """
    load = load_array_file if is_array_file(name) else load_images
    return load(name, split, labels=labels, limit=limit)


def is_array_file(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a file of arrays."""
    return os.fspath(name).endswith(".npz")
