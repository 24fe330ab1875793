"""Time keras_ar in a process of its own; started by training.py and binary.py."""

import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from worker import seconds_per_step, serve


def _record_convolutions(model, images: np.ndarray) -> list[dict[str, Any]]:
    """List the convolutions of one forward pass: shapes, strides, and which are transposed."""
    from keras import ops

    found = []

    def recording(name: str, convolve: Callable) -> Callable:
        def wrapper(inputs, kernel, strides=1, **options):
            found.append(
                {
                    "is_transposed": name == "conv_transpose",
                    "input_shape": [int(side) for side in inputs.shape],
                    "kernel_shape": [int(side) for side in kernel.shape],
                    "strides": strides,
                }
            )
            return convolve(inputs, kernel, strides=strides, **options)

        return wrapper

    patches = {name: recording(name, getattr(ops, name)) for name in ("conv", "conv_transpose")}
    with mock.patch.multiple(ops, **patches):
        model(ops.convert_to_tensor(images), training=False)
    return found


def prepare_import() -> tuple[Callable[[], float], dict[str, Any]]:
    """Time both imports once: a process can import a package only once."""
    start = time.perf_counter()
    import keras

    middle = time.perf_counter()
    import keras_ar

    end = time.perf_counter()
    versions = {"keras": keras.__version__, "keras_ar": keras_ar.__version__}
    return float, {"keras": middle - start, "keras_ar": end - middle, "versions": versions}


def prepare_load() -> tuple[Callable[[], float], dict[str, Any]]:
    """Time zoo.load of every variant, one after the other."""
    import keras_ar

    names = keras_ar.zoo.list()

    def load() -> float:
        start = time.perf_counter()
        for name in names:
            keras_ar.zoo.load(name)
        return time.perf_counter() - start

    return load, {"names": names}


def prepare_matrix(dtype: str, size: int, steps: int) -> tuple[Callable[[], float], dict[str, Any]]:
    """Time matrix products, the most that the machine can do."""
    from model_flops import matrix_product

    multiply, flops = matrix_product(size, dtype)
    multiply()  # Compiles.
    return seconds_per_step(lambda: [multiply() for _ in range(steps)], steps), {"flops": flops}


def prepare_model(
    task: str,
    model_class: str,
    options: dict[str, Any],
    batch_size: int,
    steps: int,
    policy: str = "float32",
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Time training steps or exact likelihoods of a batch.

    Args:
        task: ``"fit"``, steps of ``model.fit`` as a user runs it; ``"calls"``, as many steps in
            one compiled call, as ``steps_per_call`` of a recipe does; or ``"log_prob"``.
        model_class: Name of the class.
        options: Its arguments.
        batch_size: Examples per step.
        steps: Steps of one measurement.
        policy: Keras dtype policy.
    """
    import keras
    from epoch_timer import seconds_of_fit
    from model_flops import training_flops

    import keras_ar
    from keras_ar.data import ShuffledBatches
    from keras_ar.machine import describe_hardware, describe_versions
    from keras_ar.training.resident_steps import ResidentSteps, StepBlocks

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    model = getattr(keras_ar, model_class)(**options)
    shape = (steps * batch_size, *model.event_shape)
    examples = np.random.default_rng(0).integers(0, model.likelihood.levels, shape).astype("uint8")
    model.compile("adam")

    def fit() -> float:
        return seconds_of_fit(model, examples, batch_size=batch_size) / steps

    def calls() -> float:
        batches = ShuffledBatches(examples, batch_size=batch_size, seed=0, num_steps=steps)
        return seconds_of_fit(model, StepBlocks(batches, steps), shuffle=False) / steps

    def log_prob() -> None:
        # As an array: only then has the computation ended on every backend.
        keras.ops.convert_to_numpy(model.log_prob(examples, batch_size=batch_size))

    if task == "calls":
        # `fit` would take its first images from what it is given: here, numbers of images.
        model.initialize_from_data(examples[:batch_size])
        ResidentSteps(model, examples).install()
    tasks = {"fit": fit, "calls": calls, "log_prob": seconds_per_step(log_prob, steps)}
    measure = tasks[task]
    convolutions = _record_convolutions(model, examples[:batch_size])
    facts = {
        "parameters": model.count_params(),
        "convolutions": convolutions,
        "flops": training_flops(convolutions),
        "hardware": describe_hardware(),
        "versions": describe_versions(),
    }
    measure()  # Compiles.
    return measure, facts


def prepare(task: str, **options: Any) -> tuple[Callable[[], float], dict[str, Any]]:
    """Choose what to time."""
    if task == "import":
        return prepare_import()
    if task == "load":
        return prepare_load()
    if task == "matrix":
        return prepare_matrix(**options)
    return prepare_model(task, **options)


if __name__ == "__main__":
    serve(prepare)
