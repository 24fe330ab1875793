"""Setting the global seed makes TensorFlow compile what it has loaded again: seconds per test."""

import pytest


@pytest.fixture(autouse=True)
def fixed_seed():
    """Leave the seed alone; the model sets its own, and the signatures take theirs as an input."""
