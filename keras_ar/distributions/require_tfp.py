"""Explain what is missing when a TensorFlow Probability object is asked for."""

import importlib.util

import keras


def require_tfp() -> None:
    """Raise unless TensorFlow Probability objects can be built here.

    Raises:
        ImportError: If Keras does not run on TensorFlow, or TensorFlow
            Probability is not installed.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            "TensorFlow Probability objects need Keras to run on TensorFlow, but its backend is "
            f"{backend!r}; set KERAS_BACKEND=tensorflow."
        )
    if importlib.util.find_spec("tensorflow_probability") is None:
        raise ImportError(
            "TensorFlow Probability is not installed; "
            "run: pip install 'tensorflow-probability[tf]'."
        )
