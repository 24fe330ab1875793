"""What a model of sequences remembers from one training batch to the next."""

import contextlib
from collections.abc import Iterator

import keras
from keras import ops

from keras_ar.sampling import SequenceNetwork

__all__ = ["CarriedState"]


class CarriedState:
    """Take up every row of a batch where the batch before it left that row.

    The variables belong to the training run, as those of the optimizer do, and not to the
    weights: they have the size of a batch, and whoever loads the weights has another one.

    Args:
        network: The execution of the model that can start from a memory.
        batch_size: Rows of every batch.

    Attributes:
        variables: Last codes and memory of the network, on which training goes on bit for bit.
        batch_size: Rows of every batch.
    """

    def __init__(self, network: SequenceNetwork, batch_size: int):
        self.batch_size = batch_size
        self._network = network
        self._continues = None
        first = keras.tree.flatten(network.start(batch_size))
        self.variables = [self._variable(number, x) for number, x in enumerate(first)]

    @property
    def is_followed(self) -> bool:
        """Whether the present batch may continue the one before it."""
        return self._continues is not None

    @contextlib.contextmanager
    def following(self, continues) -> Iterator[None]:
        """Let the network go on, inside the block, in the rows where ``continues`` is true.

        Raises:
            ValueError: If the batch has another number of rows.
        """
        if continues.shape[0] not in (None, self.batch_size):
            raise ValueError(
                f"Chunks continue each other row by row: every batch must have {self.batch_size} "
                f"rows as the first; got {continues.shape[0]}."
            )
        self._continues = continues
        try:
            yield
        finally:
            self._continues = None

    def advance(self, codes, training: bool):
        """Return the parameters of the next codes ``(batch, time)``, and remember where they end.

        No gradient flows into the batch before.
        """
        fresh = self._network.start(ops.shape(codes)[0])
        carried = [
            self._pick(ops.cast(variable.value, start.dtype), start)
            for variable, start in zip(self.variables, keras.tree.flatten(fresh), strict=True)
        ]
        previous, state = keras.tree.pack_sequence_as(fresh, carried)
        codes = ops.cast(codes, "int32")
        parameters, state = self._network.advance(codes, previous, state, (), (), training)
        for variable, value in zip(
            self.variables, keras.tree.flatten((codes[:, -1], state)), strict=True
        ):
            variable.assign(ops.cast(ops.stop_gradient(value), variable.dtype))
        return parameters

    def _pick(self, carried, start):
        if not len(start.shape):
            return carried
        mask = ops.reshape(self._continues, (-1, *[1] * (len(start.shape) - 1)))
        return ops.where(mask, carried, start)

    @staticmethod
    def _variable(number: int, value) -> keras.Variable:
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(value.dtype))
        # Half precision is kept in full: not every file format knows it.
        return keras.Variable(
            value,
            dtype="float32" if is_float else "int32",
            trainable=False,
            name=f"carried_{number}",
        )
