"""A tiny model in a folder."""

import keras
import pytest

import keras_ar
from keras_ar.zoo.preset import save


@pytest.fixture
def tiny_model():
    keras.utils.set_random_seed(1)
    return keras_ar.PixelCNN(
        (4, 4, 1), levels=2, filters=4, num_blocks=1, head_filters=4, name="tiny"
    )


@pytest.fixture
def tiny_folder(tiny_model, tmp_path):
    return save(tiny_model, tmp_path / "tiny")
