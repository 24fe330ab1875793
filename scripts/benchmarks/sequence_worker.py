"""Time the models of sequences in a process of its own; started by sequences.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
from worker import seconds_per_step, serve


def _build(model_class: str, options: dict[str, Any]):
    """Build a model; a name of the zoo instead of a class loads it."""
    import keras

    import keras_ar

    keras.utils.set_random_seed(0)
    if model_class in keras_ar.zoo.list():
        return keras_ar.zoo.load(model_class)
    return getattr(keras_ar, model_class)(**options)


def prepare(
    task: str,
    model_class: str,
    batch_size: int,
    length: int,
    steps: int = 1,
    options: dict[str, Any] | None = None,
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Prepare one measurement.

    Args:
        task: ``"fit"``: seconds of a training step. ``"sample"``: seconds per step of generation.
            ``"plain"``: the same by a pass over the whole sequence for each of the last ``steps``.
        model_class: Class, or variant of the zoo.
        batch_size: Sequences at once.
        length: Codes of each.
        steps: Training steps, or codes that ``"plain"`` draws.
        options: Arguments of the class.
    """
    from epoch_timer import seconds_of_fit

    from keras_ar.machine import describe_hardware, describe_versions

    model = _build(model_class, options or {})
    shape = (steps * batch_size, length)
    codes = np.random.default_rng(0).integers(0, model.vocabulary_size, shape).astype("int32")
    classes = model.num_classes
    condition = None if classes is None else np.zeros(np.shape(classes), "int32")

    def fit() -> float:
        return seconds_of_fit(model, codes, batch_size=batch_size) / steps

    def sample() -> None:
        model.sample(batch_size, length=length, condition=condition, seed=0, verbose=False)

    def plain() -> None:
        known = np.arange(length) < length - steps
        given = codes[:batch_size]
        model.complete(given, known, condition=condition, seed=0, cached=False, verbose=False)

    tasks = {
        "fit": fit,
        "sample": seconds_per_step(sample, length),
        "plain": seconds_per_step(plain, steps),
    }
    measure = tasks[task]
    if task == "fit":
        model.compile("adam")
    measure()  # Compiles.
    facts = {"parameters": model.count_params()}
    return measure, facts | {"hardware": describe_hardware(), "versions": describe_versions()}


if __name__ == "__main__":
    serve(prepare)
