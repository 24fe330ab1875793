"""Weights in files of bounded size are the same weights, wherever one file of them would do."""

import json

import h5py
import keras
import numpy as np
import pytest
from densities import log_prob
from fault_cases import assert_plain

import keras_ar
from keras_ar.zoo.model_files import sha256_of
from keras_ar.zoo.preset import load_folder, save
from keras_ar.zoo.weights_files import count_weights, weights_names, weights_sha256

MEGABYTES = 0.035


@pytest.mark.parametrize("float16", [False, True])
def test_shards_hold_what_one_file_holds_and_none_is_over_the_limit(tiny_model, tmp_path, float16):
    one = save(tiny_model, tmp_path / "one", float16=float16)
    many = save(tiny_model, tmp_path / "many", float16=float16, shard_megabytes=MEGABYTES)
    shards = sorted(many.glob("*.h5"))
    assert [path.name for path in shards] == weights_names(many)[1:] and len(shards) > 1
    assert max(path.stat().st_size for path in shards) <= 1e6 * MEGABYTES
    assert count_weights(many / "model.weights.json") == count_weights(one / "model.weights.h5")
    assert np.array_equal(log_prob(keras_ar.zoo.load(many)), log_prob(load_folder(one)))


def test_every_shard_is_float16(tiny_model, tmp_path):
    kinds = set()
    for path in save(tiny_model, tmp_path / "half", float16=True, shard_megabytes=MEGABYTES).glob(
        "*.h5"
    ):
        with h5py.File(path) as file:
            file.visititems(lambda _, x: kinds.add(getattr(x, "dtype", None)))
    assert kinds == {None, np.dtype("float16")}


def test_layers_in_layers_and_groups_in_two_shards_come_back(tmp_path):
    model = keras_ar.zoo.load("pixelrnn_row_binarized_mnist")
    largest = max(int(np.prod(v.shape)) for v in model.variables)
    folder = save(model, tmp_path / "many", shard_megabytes=(4 * largest + (16 << 10)) / 1e6)
    places = json.loads((folder / "model.weights.json").read_text())["weight_map"].values()
    assert any(len(names) > 1 for names in places)
    pairs = zip(load_folder(folder).get_weights(), model.get_weights(), strict=True)
    assert all(np.array_equal(stored, given) for stored, given in pairs)


def test_keras_reads_the_index_and_keras_own_shards_are_read(tiny_model, tmp_path):
    folder = save(tiny_model, tmp_path / "tiny", shard_megabytes=MEGABYTES)
    twin = keras.models.clone_model(tiny_model)
    twin.load_weights(folder / "model.weights.json")
    assert np.array_equal(log_prob(twin), log_prob(tiny_model))
    for path in folder.iterdir():
        if path.name != "config.json":
            path.unlink()
    tiny_model.save_weights(folder / "model.weights.json", max_shard_size=1_000 / 1024**3)
    assert len(weights_names(folder)) > 2
    assert np.array_equal(log_prob(keras_ar.zoo.load(folder)), log_prob(tiny_model))


def test_a_folder_never_holds_both_layouts_nor_shards_of_before(tiny_model, tiny_folder):
    (tiny_folder / "notes.txt").write_text("mine")
    others = {"config.json", "metadata.json", "notes.txt"}
    counts = []
    for megabytes in (MEGABYTES, 1.0, None):
        save(tiny_model, tiny_folder, shard_megabytes=megabytes)
        names = weights_names(tiny_folder)
        assert {path.name for path in tiny_folder.iterdir()} == others | set(names)
        facts = json.loads((tiny_folder / "metadata.json").read_text())
        assert facts["weights_file"] == names[0]
        assert facts["weights_sha256"] == weights_sha256(tiny_folder)
        counts.append(len(names))
    assert counts[0] > counts[1] == 2 and counts[2] == 1


@pytest.mark.parametrize("megabytes", [0.017, 0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_that_cannot_be_kept_is_refused_and_leaves_the_old_file(
    tiny_model, tiny_folder, megabytes
):
    before = sha256_of(tiny_folder / "model.weights.h5")
    with pytest.raises(ValueError, match="shard_megabytes") as caught:
        save(tiny_model, tiny_folder, shard_megabytes=megabytes)
    assert_plain(caught.value)
    assert sha256_of(tiny_folder / "model.weights.h5") == before
    assert not (tiny_folder / "model.weights.json").exists()


def test_the_least_limit_that_the_refusal_names_is_enough(tmp_path):
    model = keras_ar.MADE(40, units=(200,))
    with pytest.raises(ValueError, match="an array is not divided") as caught:
        save(model, tmp_path / "many", shard_megabytes=0.02)
    least = float(str(caught.value).split()[-3])
    save(model, tmp_path / "many", shard_megabytes=least)


def _flip_last(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize(
    ("name", "witness"),
    [
        ("model.weights.json", "metadata.json"),
        ("model_00000.weights.h5", "model.weights.json"),
        ("model_00001.weights.h5", "model.weights.json"),
    ],
)
def test_one_bit_of_any_file_of_the_weights_is_noticed(sharded_folder, name, witness):
    _flip_last(sharded_folder / name)
    with pytest.raises(ValueError, match=f"{name} is not the file that {witness} names") as caught:
        keras_ar.zoo.load(sharded_folder)
    assert_plain(caught.value)
    # Results must not be said to be those of weights that nobody evaluated.
    if witness == "model.weights.json":
        with pytest.raises(ValueError, match="another sha256"):
            weights_sha256(sharded_folder)


def test_an_index_without_hashes_vouches_for_nothing(sharded_folder):
    path = sharded_folder / "model.weights.json"
    index = json.loads(path.read_text())
    del index["metadata"]["sha256"]
    path.write_text(json.dumps(index))
    facts = json.loads((sharded_folder / "metadata.json").read_text())
    facts["weights_sha256"] = sha256_of(path)
    (sharded_folder / "metadata.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="states no sha256 of its shards"):
        keras_ar.zoo.load(sharded_folder)
