"""What every test shares: a fixed seed, and the marks of what a backend cannot do."""

import keras
import pytest


def pytest_configure(config):
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


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def dtype_policy():
    """Give a function that sets the global dtype policy until the test ends."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)
