"""The memory of a network of sequences as rows of numbers, which travel between requests."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_ar.sampling.sequence_network import SequenceNetwork

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["StreamState"]

# float32 counts exactly up to its square root of this, and beyond; two digits count for years.
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
    """

    def __init__(self, network: SequenceNetwork):
        self._network = network
        self._structure = network.start(1)[1]
        one, two = (keras.tree.flatten(network.start(count)[1]) for count in (1, 2))
        self._leaves = [_Leaf.compare(*pair) for pair in zip(one, two, strict=True)]
        self.size = _HEAD + sum(leaf.size for leaf in self._leaves)

    def pack(self, previous: tf.Tensor, position: tf.Tensor, memory: Sequence[Any]) -> tf.Tensor:
        """Return the rows, float32 ``(batch, size)``.

        Args:
            previous: int32 ``(batch,)``: the code before the next one; -1 at the beginning.
            position: int64 ``(batch,)``: number of codes so far.
            memory: That of the network.
        """
        import tensorflow as tf

        count = tf.shape(previous)[0]
        head = (tf.cast(previous, "int64"), position % _DIGIT, position // _DIGIT)
        parts = [tf.cast(number, "float32")[:, None] for number in head]
        leaves = keras.tree.flatten(self._network.settled(memory))
        for leaf, values in zip(self._leaves, leaves, strict=True):
            if leaf.axis is not None:
                rows = _move_axis(values, leaf.axis, 0)
                parts.append(tf.cast(tf.reshape(rows, (count, leaf.size)), "float32"))
        return tf.concat(parts, axis=1)

    def unpack(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
        """Return what ``pack`` was given."""
        import tensorflow as tf

        count = tf.shape(rows)[0]
        sizes = [leaf.size for leaf in self._leaves]
        head, *parts = tf.split(rows, [_HEAD, *sizes], axis=1)
        low, high = (tf.cast(head[:, column], "int64") for column in (1, 2))
        leaves = []
        for leaf, part in zip(self._leaves, parts, strict=True):
            if leaf.axis is None:
                leaves.append(leaf.value)
            else:
                values = tf.cast(tf.reshape(part, (count, *leaf.shape)), leaf.value.dtype)
                leaves.append(_move_axis(values, 0, leaf.axis))
        memory = keras.tree.pack_sequence_as(self._structure, leaves)
        return tf.cast(head[:, 0], "int32"), low + _DIGIT * high, memory


@dataclasses.dataclass(frozen=True, eq=False)
class _Leaf:
    """One tensor of the memory.

    Attributes:
        value: Before the first step, of one sequence.
        axis: That of the sequences; ``None`` if there is none, and the value is always the same.
        shape: Without that axis.
    """

    value: Any
    axis: int | None
    shape: tuple[int, ...]

    @classmethod
    def compare(cls, one: Any, two: Any) -> _Leaf:
        """Find out by comparing the memories of one and of two sequences."""
        shapes = zip(one.shape, two.shape, strict=True)
        axis = next((axis for axis, (a, b) in enumerate(shapes) if a != b), None)
        others = [size for place, size in enumerate(one.shape) if place != axis]
        return cls(one, axis, tuple(others))

    @property
    def size(self) -> int:
        """Numbers per sequence."""
        return 0 if self.axis is None else math.prod(self.shape)


def _move_axis(values: tf.Tensor, source: int, target: int) -> tf.Tensor:
    import tensorflow as tf

    order = [axis for axis in range(len(values.shape)) if axis != source]
    order.insert(target, source)
    return tf.transpose(values, order)
