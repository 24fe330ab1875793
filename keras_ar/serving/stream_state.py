"""The memory of a network of sequences as rows of numbers, which travel between requests."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ar.sampling.sequence_network import SequenceNetwork

__all__ = ["StreamState"]

# float32 counts exactly up to 2^24; two such digits count for years of sound.
_DIGIT = 2**20
# The code before, and the two digits of the number of codes so far.
_HEAD = 3


class StreamState:
    """Pack all that a stream of codes remembers into one row per sequence, and back.

    A row holds the code before the next one, how many codes there were, and the memory of every
    layer, turned so that nothing depends on when the stream began. So streams that began at
    different times can stand in one batch. Numbers are float32, which holds all types of memory
    without loss.

    Args:
        network: The network that runs step by step.

    Attributes:
        size: Numbers per row.

    Raises:
        ValueError: If the sequences of a batch must begin together.
    """

    def __init__(self, network: SequenceNetwork):
        self._network = network
        _, self._start = network.start(1)
        network.settled(self._start)
        # The axis of the batch is the first one; a settled scalar is always the same.
        rows = [x for x in keras.tree.flatten(self._start) if x.shape.rank]
        self._sizes = [math.prod(x.shape[1:]) for x in rows]
        self.size = _HEAD + sum(self._sizes)

    def pack(self, previous: tf.Tensor, position: tf.Tensor, memory: Sequence[Any]) -> tf.Tensor:
        """Return the rows, float32 ``(batch, size)``.

        Args:
            previous: int32 ``(batch,)``: the code before the next one; -1 at the beginning.
            position: int64 ``(batch,)``: number of codes so far.
            memory: That of the network.
        """
        count = tf.shape(previous)[0]
        head = (tf.cast(previous, "int64"), position % _DIGIT, position // _DIGIT)
        parts = [tf.cast(number, "float32")[:, None] for number in head]
        leaves = [x for x in keras.tree.flatten(self._network.settled(memory)) if x.shape.rank]
        for values, size in zip(leaves, self._sizes, strict=True):
            parts.append(tf.cast(tf.reshape(values, (count, size)), "float32"))
        return tf.concat(parts, axis=1)

    def unpack(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
        """Return what ``pack`` was given."""
        count = tf.shape(rows)[0]
        head, *parts = tf.split(rows, [_HEAD, *self._sizes], axis=1)
        low, high = (tf.cast(head[:, column], "int64") for column in (1, 2))
        remaining = iter(parts)

        def restore(start: tf.Tensor) -> tf.Tensor:
            if not start.shape.rank:
                return start
            values = tf.reshape(next(remaining), (count, *start.shape[1:]))
            return tf.cast(values, start.dtype)

        memory = keras.tree.map_structure(restore, self._start)
        return tf.cast(head[:, 0], "int32"), low + _DIGIT * high, memory
