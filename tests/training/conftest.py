"""A recipe that trains in seconds, on random images."""

import pathlib

import keras
import numpy as np
import pytest
from tiny_recipe import recipe_text


@pytest.fixture
def write_recipe(tmp_path):
    """Return a function that writes the recipe, with lines replaced, and returns its path."""

    def write(**changes) -> pathlib.Path:
        path = tmp_path / "recipe.toml"
        path.write_text(recipe_text(**changes))
        return path

    return write


# Changes to models whose random numbers must be resumed too: which values are seen, and dropout.
# The second one is slow to compile.
_NO_CONVOLUTIONS = dict.fromkeys(("filters", "num_blocks", "head_filters", "image_shape"))
_RANDOM_MODELS = {
    "seen_values": _NO_CONVOLUTIONS
    | {"class": '"DeepNADE"', "levels": "4\nevent_size = [4, 4, 1]\nunits = [8]"},
    "dropout": {"class": '"PixelCNNPP"', "head_filters": None, "levels": "4\ndropout = 0.5"},
}


@pytest.fixture(
    params=["seen_values", pytest.param("dropout", marks=pytest.mark.slow)],
)
def random_model(request):
    """Return changes to a model that draws random numbers in training."""
    return _RANDOM_MODELS[request.param]


@pytest.fixture
def load_random():
    """Return a loader of 18 random training and 6 random validation images."""

    def load(name, split, *, labels):
        count, seed = (18, 0) if split == "train" else (6, 1)
        return np.random.default_rng(seed).integers(0, 4, (count, 4, 4, 1), dtype=np.uint8)

    return load


@pytest.fixture(autouse=True)
def restore_dtype_policy():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)
