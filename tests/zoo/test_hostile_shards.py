"""Whatever an index of shards says: no file outside is opened, and one sentence says why not."""

import json
import shutil

import h5py
import numpy as np
import pytest
from fault_cases import assert_plain, faults
from refusal import TEXTS, refuse
from registration import REPO, files_of, register
from test_hostile_files import KINDS
from test_hostile_weights import WEIGHTS

import keras_ar

INDEX, FIRST, SECOND = "model.weights.json", "model_00000.weights.h5", "model_00001.weights.h5"


def _name(name):
    """Let the index name another file instead of the first shard."""

    def change(index, folder):
        places = index["weight_map"]
        for group, names in places.items():
            places[group] = [name if old == FIRST else old for old in names]

    return change


def _put(key, value):
    return lambda index, folder: index.update({key: value})


def _state(hashes):
    return lambda index, folder: index["metadata"].update(
        sha256=hashes(index["metadata"]["sha256"])
    )


def _no_first(index, folder):
    index["weight_map"] = {k: v for k, v in index["weight_map"].items() if FIRST not in v}


def _twice(index, folder):
    index["weight_map"] = {group: names * 2 for group, names in index["weight_map"].items()}


def _swapped(index, folder):
    last = max(index["metadata"]["sha256"])
    other = {FIRST: last, last: FIRST}
    places = index["weight_map"].items()
    index["weight_map"] = {k: [other.get(name, name) for name in v] for k, v in places}


def _missing_group(index, folder):
    index["weight_map"].popitem()


def _more_groups(index, folder):
    index["weight_map"]["/layers/more/vars"] = [FIRST]


def _everywhere(index, folder):
    every = sorted(index["metadata"]["sha256"])
    index["weight_map"] = dict.fromkeys(index["weight_map"], every)


def _many(index, folder):
    index["weight_map"] = {f"/{n}/vars": f"model_{n:05}.weights.h5" for n in range(10_000)}
    index["metadata"] = {}


def _one_file_too(index, folder):
    shutil.copy(folder / FIRST, folder / "model.weights.h5")


def _shard_too_many(index, folder):
    shutil.copy(folder / FIRST, folder / "model_00077.weights.h5")


def _copied_shard(index, folder):
    shutil.copy(folder / FIRST, folder / SECOND)


def _array_twice(index, folder):
    with h5py.File(folder / FIRST) as file:
        group = next(iter(index["weight_map"]))
        [(name, values), *_] = [(name, x[()]) for name, x in file[group].items()]
    with h5py.File(folder / SECOND, "r+") as file:
        file.require_group(group)[name] = values


def _array_too_many(index, folder):
    with h5py.File(folder / SECOND, "r+") as file:
        file["layers/more/vars/0"] = np.zeros(10)


def _array_too_few(index, folder):
    with h5py.File(folder / FIRST, "r+") as file:
        del file[next(iter(index["weight_map"]))]


_CASES = {
    "a shard in the folder above": _name(f"../{FIRST}"),
    "a shard at an absolute path": _name(f"/tmp/{FIRST}"),
    "a shard that is a file of the system": _name("/etc/passwd"),
    "a shard in a folder of the folder": _name(f"sub/{FIRST}"),
    "a shard that is the index": _name(INDEX),
    "a shard without a name": _name(""),
    "a shard with a null byte": _name("model_00000\0.weights.h5"),
    "a shard with a number for a name": _name(0),
    "a shard with a list for a name": _name([FIRST]),
    "a shard of another number": _name("model_00009.weights.h5"),
    "a shard called by digits of another script": _name("model_0000\u0660.weights.h5"),
    "ten thousand shards": _many,
    "the first shard is not named": _no_first,
    "a shard is named twice for a group": _twice,
    "the names of two shards are exchanged": _swapped,
    "a group is not named": _missing_group,
    "a group that is nowhere": _more_groups,
    "every group in every shard": _everywhere,
    "no map": _put("weight_map", None),
    "an empty map": _put("weight_map", {}),
    "a list for a map": _put("weight_map", [FIRST]),
    "a list for the metadata": _put("metadata", [1]),
    "a list for the hashes": _state(lambda hashes: list(hashes.values())),
    "a hash too few": _state(lambda hashes: {FIRST: hashes[FIRST]}),
    "a hash too many": _state(lambda hashes: hashes | {"config.json": "0" * 64}),
    "hashes that are none": _state(lambda hashes: dict.fromkeys(hashes, "0" * 63)),
    "numbers for hashes": _state(lambda hashes: dict.fromkeys(hashes, 0)),
    "one file of all weights beside it": _one_file_too,
    "a shard too many beside it": _shard_too_many,
    "one shard copied over another": _copied_shard,
    "an array in two shards": _array_twice,
    "an array too many": _array_too_many,
    "a group without its arrays": _array_too_few,
}


@faults("model.weights.json is hostile", _CASES)
def test_an_index_is_believed_only_as_far_as_the_shards_agree(sharded_folder, case):
    path = sharded_folder / INDEX
    index = json.loads(path.read_text())
    case(index, sharded_folder)
    path.write_text(json.dumps(index))
    refuse(sharded_folder, "model")


@faults("model.weights.json is no index", TEXTS)
def test_what_is_no_index_is_one_sentence(sharded_folder, case):
    (sharded_folder / INDEX).write_bytes(case)
    refuse(sharded_folder, INDEX)


@faults("A shard is hostile", WEIGHTS)
def test_a_hostile_shard_is_refused(sharded_folder, case):
    with h5py.File(sharded_folder / FIRST, "r+") as file:
        case(file)
    refuse(sharded_folder)


@faults(
    "Files that are no files",
    {f"{n} is {x}": (act, n) for x, act in KINDS.items() for n in (INDEX, SECOND)},
)
def test_what_is_no_file_of_the_folder_is_refused(sharded_folder, case):
    act, name = case
    act(sharded_folder, name)
    with pytest.raises(ValueError) as caught:
        keras_ar.zoo.load(sharded_folder)
    assert name in assert_plain(caught.value)


@faults("Files that are no files", {f"{SECOND} is missing": SECOND})
def test_a_missing_shard_is_named(sharded_folder, case):
    (sharded_folder / case).unlink()
    refuse(sharded_folder, f"it has no {case}", kind=FileNotFoundError)


_BAD_SHARDS = {
    "one bit of a cached shard": ("model_00001.weights.h5", lambda data: data[:-1] + b"\x01"),
    "the cached index cut short": ("model.weights.json", lambda data: data[: len(data) // 2]),
    "another shard in the cached index": (
        "model.weights.json",
        lambda data: data.replace(b"00001", b"00002"),
    ),
}


@faults("The cache is damaged", _BAD_SHARDS)
def test_damaged_shards_are_noticed_removed_and_fetched_again(
    hub, sharded_folder, monkeypatch, case
):
    files = files_of(sharded_folder)
    register(monkeypatch, files, hub.add(REPO, files))
    name, change = case
    path = keras_ar.zoo.find_folder("tiny") / name
    for address in ("tiny", f"hf://{REPO}"):
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(ValueError, match=r"another sha256.*removed from the cache") as caught:
            keras_ar.zoo.load(address)
        assert_plain(caught.value)
        keras_ar.zoo.load(address)
        assert path.read_bytes() == files[name]


@faults("The cache is damaged", {"a cached shard deleted": "model_00001.weights.h5"})
def test_a_shard_missing_in_the_cache_is_fetched_again(hub, sharded_folder, monkeypatch, case):
    files = files_of(sharded_folder)
    register(monkeypatch, files, hub.add(REPO, files))
    path = keras_ar.zoo.find_folder("tiny") / case
    path.resolve().unlink()
    keras_ar.zoo.load("tiny")
    assert path.read_bytes() == files[case]
