"""Read the files of a model folder without trusting them.

A folder may come from anywhere. Before Keras sees it, every file must be an ordinary file that
lies in the folder, JSON must be small and flat, and a weights file must hold exactly what it
declares: then reading it costs no more memory than the file has bytes.
"""

import hashlib
import json
import math
import pathlib
import stat
from collections.abc import Iterator
from typing import Any

import h5py

__all__ = ["CONFIG", "METADATA", "array_sizes", "find_file", "read_json", "sha256_of"]

CONFIG, METADATA = "config.json", "metadata.json"

_MAX_JSON_BYTES = 1 << 20
_MAX_DEPTH = 32
_MAX_OBJECTS = 200_000


def sha256_of(path: pathlib.Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_file(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Return a file of the folder, or refuse it.

    Links are followed inside the folder only; the snapshots of the Hub's cache, which link to the
    blobs beside them, may do that too.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an ordinary file, or a link leads out of the folder.
    """
    path = folder / name
    try:
        is_ordinary = stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{folder} is not a model folder: it has no {name}.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    roots = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        roots.append(folder.resolve().parents[1] / "blobs")
    if not any(path.resolve().is_relative_to(root) for root in roots):
        raise ValueError(
            f"{path} is a link that leads out of the folder: put the file itself there."
        )
    if not is_ordinary:
        raise ValueError(f"{path} is not an ordinary file: get the folder again.")
    return path


def _depth(value: Any) -> int:
    """Return how deep lists and objects are nested, without recursion."""
    deepest, left = 0, [(value, 1)]
    while left:
        item, depth = left.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict | list):
            left += [(x, depth + 1) for x in (item.values() if isinstance(item, dict) else item)]
    return deepest


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """Read a small JSON object.

    Raises:
        ValueError: If it is too large, too deep, or no JSON object.
    """
    with open(path, "rb") as file:
        content = file.read(_MAX_JSON_BYTES + 1)
    if len(content) > _MAX_JSON_BYTES:
        raise ValueError(f"{path} is larger than {_MAX_JSON_BYTES:,} bytes: no model needs that.")
    try:
        value = json.loads(content)
        is_flat = _depth(value) <= _MAX_DEPTH
    except RecursionError:
        is_flat = False
    except ValueError:
        raise ValueError(f"{path} is not JSON: it was damaged, or it is another file.") from None
    if not is_flat:
        raise ValueError(f"{path} is nested deeper than {_MAX_DEPTH} levels: no model needs that.")
    if not isinstance(value, dict):
        raise ValueError(f"{path} does not hold a JSON object, so it describes no model.")
    return value


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield every data set, following nothing that could lead elsewhere or in circles."""
    left, seen = [("", file, 0)], 0
    while left:
        path, group, depth = left.pop()
        for name in group:
            seen += 1
            if seen > _MAX_OBJECTS or depth > _MAX_DEPTH:
                raise ValueError("it is nested too deep or in circles")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{path}{name} is a link to another place")
            item = group[name]
            if isinstance(item, h5py.Group):
                left.append((f"{path}{name}/", item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                yield f"{path}{name}", item


def _check_dataset(name: str, dataset: h5py.Dataset) -> None:
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} takes its numbers from another file")
    if dataset.shape is None or dataset.dtype.kind not in "fiubV":
        raise ValueError(f"{name} holds something other than numbers")
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize
    # Also true of compressed numbers, which Keras does not write: nothing may grow on reading.
    if declared > dataset.id.get_storage_size():
        raise ValueError(f"{name} declares {declared:,} bytes and does not hold them")


def array_sizes(path: pathlib.Path) -> dict[str, int]:
    """Check that a weights file holds plain arrays, all of them stored, and measure them.

    Returns:
        By the name of each array, how many numbers it holds.

    Raises:
        ValueError: If the file is damaged, or holds anything else.
    """
    sizes = {}
    try:
        with h5py.File(path, "r") as file:
            for name, dataset in _datasets(file):
                _check_dataset(name, dataset)
                sizes[name] = dataset.size
    except ValueError as error:
        raise ValueError(f"{path} is refused: {error}.") from None
    except (OSError, RuntimeError, KeyError, TypeError):
        raise ValueError(
            f"{path} is not a weights file: it was damaged, or it is another file."
        ) from None
    return sizes
