"""Examples from a NumPy file: the user's own data, and machines without TensorFlow Datasets."""

import os
import re
from pathlib import Path

import numpy as np

_SPLIT = re.compile(r"(?P<name>[^\[\]]+)(\[(?P<start>\d*):(?P<stop>\d*)\])?")


def load_array_file(
    path: str | os.PathLike[str],
    split: str,
    *,
    labels: bool = False,
    limit: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Load a split of an ``.npz`` file, which holds one array per split.

    Vectors such as the binary sets of the UCI repository, or images: whatever integers the
    model takes. ``np.savez("mine.npz", train=..., valid=..., test=...)`` writes such a file.

    Args:
        path: The file.
        split: Name of an array in it, or a slice of one such as ``"train[:50000]"``.
        labels: Also return the array ``<name>_labels``.
        limit: Keep only the first so many examples.

    Shapes:
        Examples: ``(number, ...)``, the type they are stored in; integers or booleans.
        Labels: ``(number, ...)``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it lacks the split, or holds pickled objects or floats, or labels and
            examples differ in number.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    match = _SPLIT.fullmatch(split)
    with np.load(path, allow_pickle=False) as stored:
        names = ", ".join(sorted(stored.files))
        if match is None or match["name"] not in stored.files:
            raise ValueError(f"{path} has no split {split!r}; it holds {names}.")
        bounds = (int(match[key]) if match[key] else None for key in ("start", "stop"))
        some = slice(*bounds)
        arrays = [stored[match["name"]][some]]
        if labels:
            key = f"{match['name']}_labels"
            if key not in stored.files:
                raise ValueError(f"{path} has no labels {key!r}; it holds {names}.")
            arrays.append(stored[key][some])
    examples = arrays[0]
    if examples.ndim < 2 or not (examples.dtype == bool or examples.dtype.kind in "iu"):
        raise ValueError(
            f"{split!r} of {path} must hold integers (number, ...); it has type {examples.dtype} "
            f"and shape {examples.shape}."
        )
    if labels and len(arrays[1]) != len(examples):
        raise ValueError(f"{path}: {len(arrays[1])} labels for {len(examples)} examples.")
    arrays = [array[:limit] for array in arrays]
    return tuple(arrays) if labels else arrays[0]
