"""Images, and densities by which two copies of the tiny model are told to be the same."""

import numpy as np
from keras import ops

import keras_ar

__all__ = ["IMAGES", "log_prob"]

IMAGES = np.random.default_rng(0).integers(0, 2, (5, 4, 4, 1), dtype=np.uint8)


def log_prob(model) -> np.ndarray:
    """Return the log-probabilities of the images under a model, or one that is loaded by name.

    Without compilation, which takes longer than loading.
    """
    if not hasattr(model, "log_prob_graph"):
        model = keras_ar.zoo.load(model)
    return ops.convert_to_numpy(model.log_prob_graph(ops.convert_to_tensor(IMAGES)))
