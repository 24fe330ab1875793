"""The processes that train one model together: what each does, and what they must agree on."""

import contextlib
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_ar.training.recipe import Recipe

__all__ = ["Workers", "find_workers"]

_KERAS_NAMES = tuple(
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)


class Workers:
    """One process alone: nothing is distributed, and nothing is imported.

    ``TensorFlowWorkers`` and ``JaxWorkers`` do the same with several processes, each of which
    runs the same script on its part of every batch. Only the chief writes files.

    Attributes:
        count: Number of processes.
        index: Which one this is; 0 is the chief.
    """

    count: int = 1
    index: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.index == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Return the context in which model and optimizer are made."""
        return contextlib.nullcontext()

    def adapt(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Have an optimizer that is not built yet do to all gradients what it does to its own."""

    def check_recipe(self, recipe: Recipe) -> None:
        """Say what in a recipe cannot be done by these workers.

        Raises:
            ValueError: If the devices of all workers cannot have equal parts of a batch.
        """

    def check_equal(self, name: str, value: int) -> None:
        """Compare what must be the same for all workers.

        Args:
            name: What it is, for the error.
            value: An integer below 2**31.

        Raises:
            ValueError: If another worker has another value.
        """

    def agree(self, flag: bool) -> bool:
        """Return the chief's answer to a question that all workers ask at the same place."""
        return flag

    def equalize(self, model: keras.Model) -> None:
        """Give every worker the chief's variables, where each has computed them for itself."""

    def spread_seeds(self, model: keras.Model) -> None:
        """Have the random numbers of the workers' parts of a batch be different ones."""

    def fit(
        self,
        model: keras.Model,
        batches: keras.utils.PyDataset,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> dict[str, float]:
        """Take one gradient step on every batch and return the means of loss and metrics.

        Args:
            model: Compiled, made inside ``scope()``.
            batches: The batches of all workers together; each takes its own part.
            callbacks: Their ``on_train_batch_end`` sees the same ``loss`` on all workers.
        """
        history = model.fit(batches, shuffle=False, verbose=2, callbacks=list(callbacks))
        return {key: float(values[-1]) for key, values in history.history.items()}

    @contextlib.contextmanager
    def parting(self) -> Iterator[None]:
        """Let the chief work alone inside the block; the others have nothing to do there."""
        yield

    @contextlib.contextmanager
    def ending_together(self) -> Iterator[None]:
        """End the process at once when the block fails, so that the other workers fail too.

        Python's ordinary exit would first wait for workers that are no longer there.
        """
        try:
            yield
        except BaseException:
            if self.count == 1:
                raise
            traceback.print_exc()
            logging.error(
                "Worker %d of %d ends. When all have ended, start all again with the same "
                "--work_dir: they go on from the last checkpoint.",
                self.index,
                self.count,
            )
            logging.flush()
            os._exit(1)


def part_of_batch(batch: Sequence[Any], part: int, parts: int) -> tuple:
    """Return the rows of one of equal parts of a batch.

    Args:
        batch: Arrays, or tuples of arrays, the first axis of each counting the examples.
        part: Which part.
        parts: Their number, which divides the examples.
    """

    def rows(array):
        size = len(array) // parts
        return np.asarray(array)[part * size : (part + 1) * size]

    return tuple(keras.tree.map_structure(rows, tuple(batch)))


def check_divisible(batch_size: int, parts: int) -> None:
    """Raise a ``ValueError`` that says what to do if a batch has no equal parts."""
    if batch_size % parts:
        low = batch_size // parts * parts
        raise ValueError(
            f"The batch_size {batch_size} of the recipe cannot be shared out equally to {parts} "
            f"devices. Make it {f'{low} or ' if low else ''}{low + parts}, or start another "
            "number of workers."
        )


def check_all_equal(name: str, values: Sequence[int]) -> None:
    """Raise a ``ValueError`` that shows what every worker has if it is not the same."""
    if len(set(values)) > 1:
        shown = ", ".join(f"worker {index}: {value}" for index, value in enumerate(values))
        raise ValueError(
            f"The workers disagree about the {name} ({shown}). All must be given the same recipe "
            "and a --work_dir on storage that they share."
        )


def find_workers(environment: Mapping[str, str] | None = None) -> Workers:
    """Join the other workers that the environment names; call it before anything is computed.

    TensorFlow reads ``TF_CONFIG``, JAX Keras' ``KERAS_DISTRIBUTION_JOB_ADDRESSES``,
    ``KERAS_DISTRIBUTION_NUM_PROCESSES`` and ``KERAS_DISTRIBUTION_PROCESS_ID``. Blocks until all
    workers are there.

    Args:
        environment: Instead of ``os.environ``, to check what it says.

    Raises:
        ValueError: If the environment names workers but is malformed, or is meant for the other
            backend.
    """
    environment = dict(os.environ) if environment is None else environment
    backend = keras.backend.backend()
    for_keras = [name for name in _KERAS_NAMES if environment.get(name)]
    for_tensorflow = ["TF_CONFIG"] if environment.get("TF_CONFIG") else []
    mine, other = for_tensorflow, for_keras
    if backend == "jax":
        mine, other = other, mine
    if other and not mine:
        wanted = ", ".join(_KERAS_NAMES) if backend == "jax" else "TF_CONFIG"
        raise ValueError(
            f"{other[0]} names workers of the other backend; this one is {backend}. Set "
            f"{wanted}, or unset {', '.join(other)} to train in one process, or choose the "
            "backend by KERAS_BACKEND."
        )
    if not mine:
        return Workers()
    # Imported only here: one process on JAX does without TensorFlow, and the other way round.
    if backend == "jax":
        from keras_ar.training.jax_workers import JaxWorkers

        return JaxWorkers.from_environment(environment) or Workers()
    from keras_ar.training.tensorflow_workers import TensorFlowWorkers

    return TensorFlowWorkers.from_environment(environment) or Workers()
