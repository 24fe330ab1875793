"""Rings of past inputs: the memory of what looks a fixed number of steps back."""

import contextlib
import contextvars
from collections.abc import Iterator

from keras import ops

__all__ = ["overwrite", "without_xla"]

_may_use_xla = contextvars.ContextVar("may_use_xla", default=True)


@contextlib.contextmanager
def without_xla() -> Iterator[None]:
    """Trace TensorFlow graphs of core operations alone, inside the block.

    ``keras.ops.slice_update`` is an operation of XLA on TensorFlow. It is the fastest where XLA
    compiles the program, but a server need not have it.
    """
    token = _may_use_xla.set(False)
    try:
        yield
    finally:
        _may_use_xla.reset(token)


def overwrite(ring, place, newest):
    """Return the ring ``(batch, length, channels)`` with ``newest``, ``(batch, 1, channels)``.

    Args:
        ring: What is remembered.
        place: Scalar integer: which entry is replaced.
        newest: The new entry.
    """
    if _may_use_xla.get():
        return ops.slice_update(ring, [0, place, 0], newest)
    import tensorflow as tf

    all_but_time = 0b101
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=ring,
        begin=[0, place, 0],
        end=[0, place + 1, 0],
        strides=[1, 1, 1],
        value=newest,
        begin_mask=all_but_time,
        end_mask=all_but_time,
    )
