"""Which files hold the weights of a model folder, and which hash each of them must have.

Weights lie in one file, or in Keras' layout for large models: shards, and an index that says
which array lies in which of them. One hash stands for all: that of the one file, or of the index,
into which ``save`` writes the hashes of the shards (Keras does not look there). The index may
come from anywhere too, so it is believed only as far as the shards agree with it.
"""

import os
import pathlib
import re

from keras_ar.zoo.model_files import array_sizes, find_file, read_json, sha256_of

__all__ = [
    "INDEX",
    "WEIGHTS",
    "count_weights",
    "find_damaged",
    "find_weights",
    "names_weights",
    "shard_name",
    "weights_names",
    "weights_sha256",
]

WEIGHTS, INDEX = "model.weights.h5", "model.weights.json"

_MAX_SHARDS = 1_000


def shard_name(number: int) -> str:
    """Return what Keras calls a shard; it opens number 0 whatever the index says."""
    return f"model_{number:05}.weights.h5"


def names_weights(name: str) -> bool:
    """Whether a file of this name holds weights, in either layout."""
    return name in (WEIGHTS, INDEX) or re.fullmatch(r"model_\d{5}\.weights\.h5", name) is not None


def find_weights(folder: pathlib.Path) -> pathlib.Path:
    """Return the file whose hash stands for all weights: the one file, or the index.

    Raises:
        FileNotFoundError: If there is neither.
        ValueError: If there are both, or it is not an ordinary file of the folder.
    """
    has_index = os.path.lexists(folder / INDEX)
    if has_index and os.path.lexists(folder / WEIGHTS):
        raise ValueError(
            f"{folder} holds both {WEIGHTS} and {INDEX}, and only one can be meant: remove the "
            "other, or write the folder again with keras_ar.zoo.save."
        )
    return find_file(folder, INDEX if has_index else WEIGHTS)


def _read_index(path: pathlib.Path) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return the shards of each group of arrays, and the hash of each shard, if any is stated.

    Shards are numbered as Keras does it, and no other name is accepted: so none can lead out of
    the folder. Nor may the folder hold a shard that is not named.
    """
    index = read_json(path)
    places, about = index.get("weight_map"), index.get("metadata", {})
    if not isinstance(places, dict) or not places or not isinstance(about, dict):
        raise ValueError(f"{path} is not an index of weights: it was damaged.")
    groups, named = {}, set()
    for group, names in places.items():
        names = names if isinstance(names, list) else [names]
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{path} does not say where {group[:80]!r} lies: it was damaged.")
        if len(set(names)) < len(names):
            raise ValueError(f"{path} names a shard twice for {group[:80]!r}: it was damaged.")
        groups[group] = set(names)
        named |= groups[group]
    if len(named) > _MAX_SHARDS:
        raise ValueError(f"{path} names more than {_MAX_SHARDS:,} shards: no model needs that.")
    wrong = named - {shard_name(number) for number in range(len(named))}
    if wrong:
        raise ValueError(
            f"{path} names {min(wrong)[:80]!r} as one of {len(named)} shards, which are called "
            f"{shard_name(0)} and so on: it was damaged, or shards are missing in it."
        )
    hashes = about.get("sha256", dict.fromkeys(named, ""))
    digests = list(hashes.values()) if isinstance(hashes, dict) else [None]
    is_stated = all(isinstance(x, str) and re.fullmatch("[0-9a-f]{64}|", x) for x in digests)
    if not is_stated or set(hashes) != named:
        raise ValueError(f"{path} does not state one sha256 for each of its shards.")
    for other in path.parent.iterdir():
        if names_weights(other.name) and other.name not in {INDEX, *named}:
            raise ValueError(
                f"{other} is a shard that {INDEX} does not name: remove it, or write the folder "
                "again with keras_ar.zoo.save."
            )
    return groups, {name: hashes[name] for name in sorted(named)}


def _shards(folder: pathlib.Path) -> dict[str, str]:
    """Return the hash of each shard by its name, ``""`` where none is stated; none in one file."""
    path = find_weights(folder)
    return _read_index(path)[1] if path.name == INDEX else {}


def weights_names(folder: pathlib.Path) -> list[str]:
    """Return the names of all files that hold the weights, as far as the index is there.

    The first is the one whose hash stands for all. The others need not be there.

    Raises:
        ValueError: If the index is no index, or the folder holds both layouts.
    """
    if not os.path.lexists(folder / INDEX):
        return [WEIGHTS]
    return [INDEX, *_shards(folder)]


def _damaged_shard(folder: pathlib.Path) -> pathlib.Path | None:
    for name, stated in _shards(folder).items():
        if not stated:
            raise ValueError(
                f"{folder / INDEX} states no sha256 of its shards, so they cannot be checked: "
                "write the folder with keras_ar.zoo.save."
            )
        path = find_file(folder, name)
        if sha256_of(path) != stated:
            return path
    return None


def find_damaged(folder: pathlib.Path, sha256: str) -> pathlib.Path | None:
    """Return a file of the weights that is not the one meant, if there is one.

    Args:
        folder: The folder.
        sha256: The hash that stands for all weights.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the index has that hash and is no index all the same.
    """
    path = find_weights(folder)
    return path if sha256_of(path) != sha256 else _damaged_shard(folder)


def weights_sha256(folder: pathlib.Path) -> str:
    """Return the hash that stands for all weights of a folder.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a shard is not the one that the index names.
    """
    damaged = _damaged_shard(folder)
    if damaged is not None:
        raise ValueError(
            f"{damaged} is not the file that {INDEX} names (another sha256): it was damaged or "
            "exchanged. Get the folder again, or write it with keras_ar.zoo.save."
        )
    return sha256_of(find_weights(folder))


def count_weights(path: pathlib.Path) -> tuple[int, int]:
    """Check that the weights are plain arrays, each where the index says, and count them.

    Args:
        path: The one file, or the index.

    Returns:
        How many arrays and how many numbers there are, without those of optimizers and of random
        number generators.

    Raises:
        FileNotFoundError: If a shard is missing.
        ValueError: If a file is damaged, or holds anything else.
    """
    if path.name != INDEX:
        sizes = array_sizes(path)
    else:
        (groups, shards), sizes, found = _read_index(path), {}, {}
        for shard in shards:
            for name, size in array_sizes(find_file(path.parent, shard)).items():
                if name in sizes:
                    raise ValueError(f"{path} is refused: two of its shards hold {name[:80]}.")
                sizes[name] = size
                found.setdefault(f"/{name.rpartition('/')[0]}", set()).add(shard)
        if found != groups:
            wrong = min(k for k in found.keys() | groups if found.get(k) != groups.get(k))
            raise ValueError(
                f"{path} is refused: the shards do not hold {wrong[:80]!r} as it says."
            )
    counted = [
        size
        for name, size in sizes.items()
        if not name.startswith("optimizer/") and "seed_generator" not in name
    ]
    return len(counted), sum(counted)
