"""Run a dense network that reads any set of seen values, value by value."""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

__all__ = ["OrderlessDenseNetwork"]


class OrderlessDenseNetwork:
    """The second execution of a DeepNADE: one more seen value adds to a running sum.

    The first hidden layer reads values and mask; its sum grows by one row of the kernel per value
    instead of being computed anew, and of the last layer only the outputs of the wanted value
    are computed.

    Args:
        hidden: ``Dense`` layers from the values and the mask on, in order.
        output: ``Dense`` layer of ``size * n`` outputs.
        encode: Turns int32 values into what the first layer reads.
        size: Values per example.
    """

    def __init__(self, hidden: Sequence[Any], output: Any, encode: Callable, size: int):
        self._first, *self._middle = hidden
        self._output = output
        self._encode = encode
        self._size = size

    def prepare(self, component):
        kernel = ops.transpose(self._output.kernel)
        number = kernel.shape[0] // self._size
        return (
            ops.reshape(kernel, (self._size, number, kernel.shape[1])),
            ops.reshape(ops.convert_to_tensor(self._output.bias), (self._size, number)),
        )

    def initial_state(self, prepared, values, is_seen):
        seen = ops.cast(is_seen, self._first.kernel.dtype)
        inputs = ops.concatenate([self._encode(values) * seen, seen], axis=-1)
        return inputs @ self._first.kernel + self._first.bias

    def predict(self, state, prepared, place, index):
        hidden = self._first.activation(state)
        for layer in self._middle:
            hidden = layer(hidden)
        kernel, bias = (ops.take(weights, index, axis=0) for weights in prepared)
        hidden = ops.cast(hidden, kernel.dtype)
        return ops.sum(kernel * hidden[:, None], axis=-1) + bias

    def absorb(self, state, prepared, place, index, value):
        kernel = ops.convert_to_tensor(self._first.kernel)
        from_value, from_mask = (
            ops.take(kernel, rows, axis=0) for rows in (index, index + self._size)
        )
        return state + self._encode(value)[:, None] * from_value + from_mask
