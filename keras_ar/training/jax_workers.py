"""Several JAX processes: Keras' data-parallel distribution."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from keras_ar.training.recipe import Recipe
from keras_ar.training.workers import Workers, check_all_equal, check_divisible, part_of_batch

__all__ = ["JaxWorkers", "read_addresses"]

_EXAMPLE = (
    "KERAS_DISTRIBUTION_JOB_ADDRESSES=host0:12345 KERAS_DISTRIBUTION_NUM_PROCESSES=2 "
    "KERAS_DISTRIBUTION_PROCESS_ID=0"
)


def read_addresses(environment: Mapping[str, str]) -> tuple[str, int, int]:
    """Return the addresses, the number of processes and the place of this one among them.

    Raises:
        ValueError: If a variable is missing or makes no sense.
    """
    try:
        addresses = environment["KERAS_DISTRIBUTION_JOB_ADDRESSES"]
        count = int(environment["KERAS_DISTRIBUTION_NUM_PROCESSES"])
        index = int(environment["KERAS_DISTRIBUTION_PROCESS_ID"])
        given = len(addresses.split(","))
        if not 0 <= index < count:
            raise ValueError(f"process {index} of {count}")
        if given not in (1, count):
            raise ValueError(f"{given} addresses for {count} processes")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"The KERAS_DISTRIBUTION_... variables cannot be used ({type(error).__name__}: "
            f"{error}). They must be the same on all workers but for the process id: {_EXAMPLE}."
        ) from None
    return addresses, count, index


class _PartOfBatches(keras.utils.PyDataset):
    """The rows of every batch that belong to one process."""

    def __init__(self, batches: keras.utils.PyDataset, part: int, parts: int):
        super().__init__()
        self._batches, self._part, self._parts = batches, part, parts

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple:
        return part_of_batch(self._batches[index], self._part, self._parts)


class JaxWorkers(Workers):
    """Processes that run one program on the devices of all of them.

    Arrays are global: dropout, data-dependent initialization, clipping and evaluation compute
    what a single process computes, so nothing but the rows of the batches is shared out.

    Args:
        addresses: ``host:port`` of process 0, or of all, with commas.
        count: Number of processes.
        index: Which one this is.
    """

    def __init__(self, addresses: str, count: int, index: int):
        self.count, self.index = count, index
        # It would catch SIGTERM, by which clusters stop a process, and go on.
        jax.config.update("jax_enable_preemption_service", False)
        # Keras would have all processes draw a common seed by a computation; one of its own
        # follows in `build_model`.
        keras.utils.set_random_seed(0)
        keras.distribution.initialize(addresses, count, index)
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "JaxWorkers | None":
        """Join the processes of the environment; ``None`` if it names but one."""
        addresses, count, index = read_addresses(environment)
        return cls(addresses, count, index) if count > 1 else None

    def check_recipe(self, recipe: Recipe) -> None:
        check_divisible(recipe.training.batch_size, jax.device_count())

    def check_equal(self, name: str, value: int) -> None:
        gathered = multihost_utils.process_allgather(np.int32(value))
        check_all_equal(name, np.ravel(gathered).tolist())

    def agree(self, flag: bool) -> bool:
        return bool(multihost_utils.broadcast_one_to_all(np.int32(flag)))

    def fit(
        self,
        model: keras.Model,
        batches: keras.utils.PyDataset,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> dict[str, float]:
        return super().fit(model, _PartOfBatches(batches, self.index, self.count), callbacks)

    @contextlib.contextmanager
    def parting(self) -> Iterator[None]:
        # What the chief computes from here on is its own affair, on its own devices.
        keras.distribution.set_distribution(None)
        jax.distributed.shutdown()
        yield
