"""Time a model of 28x28 bits in a process of its own; started by binary.py."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from worker import serve


def prepare(
    model_class: str, options: dict[str, Any], task: str, batch_size: int, steps: int
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Time training steps (task "fit") or exact likelihoods (task "log_prob")."""
    import keras

    import keras_ar
    from keras_ar.machine import describe_hardware, describe_versions

    keras.utils.set_random_seed(0)
    model = getattr(keras_ar, model_class)(**options)
    shape = (steps * batch_size, *model.event_shape)
    examples = (np.random.default_rng(0).random(shape) < 0.13).astype("uint8")
    model.compile("adam")

    def fit() -> float:
        start = time.perf_counter()
        model.fit(examples, batch_size=batch_size, verbose=0)
        return (time.perf_counter() - start) / steps

    def log_prob() -> float:
        start = time.perf_counter()
        keras.ops.convert_to_numpy(model.log_prob(examples, batch_size=batch_size))
        return (time.perf_counter() - start) / steps

    measure = {"fit": fit, "log_prob": log_prob}[task]
    facts = {
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "hardware": describe_hardware(),
        "versions": describe_versions(),
    }
    measure()  # Compiles.
    return measure, facts


if __name__ == "__main__":
    serve(prepare)
