"""Make the file of weights that Keras wrote smaller, or several files of it.

Keras divides weights by itself (``save_weights`` with ``max_shard_size``), but before they are
made float16, and counts the numbers only: its files exceed the limit by what HDF5 adds. Here the
bytes of the finished file count. What comes out is Keras' layout, and Keras reads it.
"""

import json
import math
import os
import pathlib
from collections.abc import Iterator

import h5py
import keras
import numpy as np

from keras_ar.zoo.model_files import sha256_of
from keras_ar.zoo.weights_files import INDEX, shard_name

__all__ = ["check_shard_size", "split_weights", "store_as_float16"]

# More than HDF5 adds for an array, the groups that it lies in, and their tables.
_ROOM = 16 << 10


def store_as_float16(path: pathlib.Path) -> None:
    """Rewrite every float32 array of a weights file as float16; Keras widens it on loading.

    Raises:
        ValueError: If a number does not fit.
    """
    aside = path.with_suffix(".float16")
    with h5py.File(path, "r") as source, h5py.File(aside, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype == np.float32:
                values = values.astype(np.float16)
                if not np.all(np.isfinite(values)):
                    raise ValueError(f"{name} does not fit into float16: save with float32.")
            target.create_dataset(name, data=values).attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    os.replace(aside, path)


def _limit(shard_megabytes: float) -> int:
    if not 0.0 < shard_megabytes < math.inf:
        raise ValueError(f"shard_megabytes is a positive number, not {shard_megabytes}.")
    return int(shard_megabytes * 1e6)


def _check_fits(name: str, size: int, limit: int) -> None:
    if size + _ROOM > limit:
        least = math.ceil((size + _ROOM) / 1e5) / 10
        raise ValueError(
            f"{name} alone has {size:,} bytes, and an array is not divided: allow shard_megabytes "
            f"of {least} or more."
        )


def check_shard_size(model: keras.Model, shard_megabytes: float, *, float16: bool) -> None:
    """Refuse shards that cannot hold the largest array, before anything is trained or written.

    Args:
        model: The model.
        shard_megabytes: The most that a file may have, in megabytes of 1,000,000 bytes.
        float16: Whether numbers will be stored with two bytes instead of four.

    Raises:
        ValueError: If an array does not fit, or the limit is no positive number.
    """
    limit = _limit(shard_megabytes)
    largest = max(model.variables, key=lambda variable: math.prod(variable.shape))
    _check_fits(largest.path, math.prod(largest.shape) * (2 if float16 else 4), limit)


def _arrays(file: h5py.File) -> Iterator[h5py.Dataset]:
    found = []
    # By name: visititems stops where its function returns something.
    file.visititems(
        lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return (file[name] for name in found)


def split_weights(path: pathlib.Path, shard_megabytes: float) -> pathlib.Path:
    """Replace a weights file by shards and an index with their hashes.

    Args:
        path: The weights file.
        shard_megabytes: The most that a shard may have, in megabytes of 1,000,000 bytes.

    Returns:
        The index.

    Raises:
        ValueError: If an array does not fit into a shard.
    """
    limit = _limit(shard_megabytes)
    places: dict[str, list[str]] = {}
    shards: list[pathlib.Path] = []
    total, target = 0, None
    with h5py.File(path, "r") as source:
        try:
            for array in _arrays(source):
                _check_fits(array.name, array.nbytes, limit)
                if target is None or target.id.get_filesize() + array.nbytes + _ROOM > limit:
                    if target is not None:
                        target.close()
                    shards.append(path.with_name(shard_name(len(shards))))
                    target = h5py.File(shards[-1], "w")
                group = target.require_group(array.parent.name)
                group.attrs.update(array.parent.attrs)
                source.copy(array, group, name=array.name.rpartition("/")[2])
                names = places.setdefault(array.parent.name, [])
                if shards[-1].name not in names:
                    names.append(shards[-1].name)
                total += array.nbytes
        finally:
            if target is not None:
                target.close()
    for shard in shards:
        if shard.stat().st_size > limit:
            raise ValueError(f"{shard.name} became larger than {shard_megabytes} megabytes.")
    hashes = {shard.name: sha256_of(shard) for shard in shards}
    index = {"metadata": {"total_size": total, "sha256": hashes}, "weight_map": places}
    path.with_name(INDEX).write_text(json.dumps(index, indent=2) + "\n")
    path.unlink()
    return path.with_name(INDEX)
