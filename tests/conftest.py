"""What every test shares: a fixed seed, and the marks of what a backend cannot do."""

import gc
import random

import keras
import numpy as np
import pytest


def pytest_configure(config):
    # Tracing makes and drops millions of objects that count references well enough: a twelfth of
    # all time went into looking for circles among them.
    gc.set_threshold(100_000, 20, 20)
    config.addinivalue_line("markers", "tensorflow: uses what only the TensorFlow backend has")
    # Keras hands its own variables to NumPy 2 when it saves a model or reads a weight.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning"
    )


def pytest_collection_modifyitems(items):
    if keras.backend.backend() == "tensorflow":
        return
    skip = pytest.mark.skip(reason=f"needs TensorFlow; the backend is {keras.backend.backend()}")
    for item in items:
        if item.get_closest_marker("tensorflow"):
            item.add_marker(skip)


@pytest.fixture(autouse=True, scope="module")
def fixed_seeds():
    """Set every seed once per file, before the fixtures that the file shares.

    Not for every test: TensorFlow then compiles again what it knows, seconds for a shared model.
    """
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def fixed_seed(fixed_seeds):
    """Let every test start from the same seeds of weights and dropout, which Python draws."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True, scope="module")
def frozen_objects():
    """Leave what a file left behind out of later garbage collections.

    Compiled functions and shared models live on, millions of objects in the end, and an export
    of three seconds took forty for walking through them again and again.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def dtype_policy():
    """Give a function that sets the global dtype policy until the test ends."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)
