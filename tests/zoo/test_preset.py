"""A folder holds the model, the whole model, and nothing that could be mistaken for another."""

import json

import h5py
import keras
import numpy as np
import pytest
from densities import IMAGES, log_prob

import keras_ar
from keras_ar.zoo.model_files import sha256_of
from keras_ar.zoo.preset import load_folder, save


def test_a_saved_model_comes_back_with_the_same_likelihoods(tiny_model, tiny_folder):
    assert np.array_equal(log_prob(load_folder(tiny_folder)), log_prob(tiny_model))


def test_keras_reads_the_folder_by_itself(tiny_model, tiny_folder):
    model = keras.saving.load_model(tiny_folder)
    assert type(model) is keras_ar.PixelCNN
    assert np.array_equal(log_prob(model), log_prob(tiny_model))


def test_float16_halves_the_numbers_on_disk_and_moves_the_likelihood_little(tiny_model, tmp_path):
    folder = save(tiny_model, tmp_path / "half", float16=True)
    kinds = set()
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None
        )
    assert kinds == {np.dtype("float16")}
    np.testing.assert_allclose(log_prob(load_folder(folder)), log_prob(tiny_model), rtol=2e-3)


def test_weights_too_large_for_float16_are_refused_and_leave_the_old_file(tiny_model, tiny_folder):
    before = sha256_of(tiny_folder / "model.weights.h5")
    variable = tiny_model.trainable_variables[0]
    variable.assign(np.full(variable.shape, 1e6))
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="does not fit into float16"):
        save(tiny_model, tiny_folder, float16=True)
    assert sha256_of(tiny_folder / "model.weights.h5") == before


def test_saving_leaves_other_files_alone(tiny_model, tiny_folder):
    (tiny_folder / "notes.txt").write_text("mine")
    save(tiny_model, tiny_folder)
    names = {path.name for path in tiny_folder.iterdir()}
    assert names == {"config.json", "model.weights.h5", "metadata.json", "notes.txt"}


def test_a_fine_tuned_model_is_saved_without_its_optimizer(tiny_model, tmp_path):
    tiny_model.compile("adam")
    tiny_model.fit(IMAGES, verbose=0)
    folder = save(tiny_model, tmp_path / "tuned")
    assert "compile_config" not in json.loads((folder / "config.json").read_text())
    with h5py.File(folder / "model.weights.h5") as file:
        assert "optimizer" not in file
    assert np.array_equal(log_prob(load_folder(folder)), log_prob(tiny_model))


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_missing_file_is_named(tiny_folder, name):
    (tiny_folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"has no {name}"):
        load_folder(tiny_folder)


def test_a_model_of_somebody_else_is_refused(tiny_folder):
    path = tiny_folder / "config.json"
    config = json.loads(path.read_text()) | {"registered_name": "other>Model"}
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="not a model of keras_ar"):
        load_folder(tiny_folder)
