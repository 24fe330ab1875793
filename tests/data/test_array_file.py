"""Splits of the user's own file of arrays."""

import numpy as np
import pytest

from keras_ar.data import load_array_file, load_examples


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"train": rng.integers(0, 2, (9, 5)).astype("uint8"), "train_labels": np.arange(9)}
    arrays |= {"test": np.zeros((3, 5), bool), "test_labels": np.arange(2)}
    arrays["floats"] = np.zeros((3, 5))
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def test_a_split_a_slice_and_a_limit_are_what_was_stored(path):
    stored = np.load(path)["train"]
    np.testing.assert_array_equal(load_array_file(path, "train"), stored)
    np.testing.assert_array_equal(load_array_file(path, "train[2:7]"), stored[2:7])
    np.testing.assert_array_equal(load_examples(str(path), "train[4:]", limit=2), stored[4:6])
    examples, labels = load_array_file(path, "train[:3]", labels=True)
    np.testing.assert_array_equal(examples, stored[:3])
    np.testing.assert_array_equal(labels, [0, 1, 2])
    assert load_array_file(path, "test").dtype == bool


@pytest.mark.parametrize(
    ("split", "labels", "message"),
    [
        ("valid", False, "no split 'valid'; it holds floats, test"),
        ("train[1]", False, "no split"),
        ("floats", False, "must hold integers"),
        ("train_labels", False, "must hold integers"),
        ("floats", True, "no labels 'floats_labels'"),
        ("test", True, "2 labels for 3 examples"),
    ],
)
def test_what_the_file_does_not_hold_is_refused(path, split, labels, message):
    with pytest.raises(ValueError, match=message):
        load_array_file(path, split, labels=labels)


def test_a_missing_file_and_pickled_objects_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        load_array_file(tmp_path / "none.npz", "train")
    np.savez(tmp_path / "pickled.npz", train=np.array([[{}]], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        load_array_file(tmp_path / "pickled.npz", "train")
