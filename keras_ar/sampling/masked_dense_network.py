"""Run a stack of masked dense layers value by value, computing every unit once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

__all__ = ["MaskedDenseNetwork"]


class MaskedDenseNetwork:
    """The second execution of a MADE: a value completes the units of its degree, and no others.

    A hidden unit of degree m is final as soon as the values of the places 1 to m are known. With
    the units sorted by degree, those of one degree are neighbours: a slice of the kernel gives
    them from what is final. All places together cost one pass through the network.

    Args:
        hidden: ``MaskedDense`` layers from the values on, in order, and their activations.
        outputs: ``MaskedDense`` layers whose sum is the output; each reads the last hidden units
            or, if ``reads_values``, the values.
        reads_values: One claim for each of ``outputs``.
        encode: Turns int32 values into what the first layer reads.
        size: Values per example.
    """

    def __init__(
        self,
        hidden: Sequence[tuple[Any, Callable]],
        outputs: Sequence[Any],
        reads_values: Sequence[bool],
        encode: Callable,
        size: int,
    ):
        self._hidden = list(hidden)
        self._outputs = list(zip(outputs, reads_values, strict=True))
        self._encode = encode
        self._size = size
        # The most units that one degree has in one layer.
        self._widths = [_most_of_one_degree(layer) for layer, _ in self._hidden]
        self._num_outputs = outputs[0].units // size

    def prepare(self, component):
        hidden = [
            (*_sorted_weights(layer, component, width), _starts(layer, component, self._size))
            for (layer, _), width in zip(self._hidden, self._widths, strict=True)
        ]
        outputs = [_sorted_weights(layer, component, 0) for layer, _ in self._outputs]
        first = self._hidden[0][0] if self._hidden else self._outputs[0][0]
        order = _by_degree(ops.take(first.in_degrees, component, axis=0))
        return hidden, outputs, order

    def initial_state(self, prepared, values, is_seen):
        hidden_weights, outputs, order = prepared
        seen = self._encode(ops.where(is_seen, values, 0))
        inputs = values = ops.cast(ops.take(seen, order, axis=1), outputs[0][0].dtype)
        hidden = []
        # Units of a higher degree than what is seen are computed again when they are complete.
        for (layer, activation), (kernel, bias, _) in zip(
            self._hidden, hidden_weights, strict=True
        ):
            inputs = activation(inputs @ ops.transpose(kernel) + bias)[:, : layer.units]
            hidden.append(inputs)
        return values, hidden

    def predict(self, state, prepared, place, index):
        values, hidden = state
        total = 0.0
        for (_, reads_values), (kernel, bias) in zip(self._outputs, prepared[1], strict=True):
            inputs = values if reads_values else hidden[-1]
            total += _slice_of_units(
                inputs, kernel, bias, place * self._num_outputs, self._num_outputs
            )
        return total

    def absorb(self, state, prepared, place, index, value):
        values, hidden = state
        is_here = ops.equal(ops.arange(self._size), place)
        encoded = ops.cast(self._encode(value), values.dtype)
        values = ops.where(is_here, encoded[:, None], values)
        return self._complete_degree((values, hidden), prepared, place + 1)

    def _complete_degree(self, state, prepared, degree):
        """Compute the hidden units of ``degree``, layer by layer."""
        values, hidden = state
        inputs, completed = values, []
        steps = zip(self._hidden, self._widths, prepared[0], hidden, strict=True)
        for (layer, activation), width, (kernel, bias, starts), units in steps:
            start = ops.take(starts, degree)
            # A slice has one size: it may reach into higher degrees, whose units nobody reads
            # before they are computed again.
            fresh = activation(_slice_of_units(inputs, kernel, bias, start, width))
            offset = ops.arange(layer.units) - start
            is_fresh = ops.logical_and(offset >= 0, offset < width)
            inputs = ops.where(
                is_fresh, ops.take(fresh, ops.clip(offset, 0, width - 1), axis=1), units
            )
            completed.append(inputs)
        return values, completed


def _most_of_one_degree(layer) -> int:
    degrees = np.array(ops.convert_to_numpy(layer.out_degrees))
    return max(int(np.bincount(row).max()) for row in degrees)


def _by_degree(degrees):
    """Return the order that sorts units by degree, and leaves those of one degree as they are."""
    number = degrees.shape[0]
    return ops.argsort(degrees * number + ops.arange(number))


def _sorted_weights(layer, component, padding: int):
    """Return kernel ``(units, inputs)`` and bias of a layer, inputs and units sorted by degree."""
    degrees = (
        ops.take(layer.in_degrees, component, axis=0),
        ops.take(layer.out_degrees, component, axis=0),
    )
    rows, columns = (_by_degree(x) for x in degrees)
    kernel = ops.cast(ops.transpose(layer.masked_kernel(component)), "float32")
    kernel = ops.take(ops.take(kernel, columns, axis=0), rows, axis=1)
    bias = ops.cast(layer.bias, kernel.dtype) if layer.use_bias else ops.zeros_like(kernel[:, 0])
    bias = ops.take(bias, columns)
    return ops.pad(kernel, [(0, padding), (0, 0)]), ops.pad(bias, [(0, padding)])


def _starts(layer, component, size: int):
    """Count, for every degree 0 to size, the units of lower degree."""
    degrees = ops.take(layer.out_degrees, component, axis=0)
    is_lower = degrees[None] < ops.arange(size + 1)[:, None]
    return ops.sum(ops.cast(is_lower, "int32"), axis=1)


def _slice_of_units(inputs, kernel, bias, start, width: int):
    """Compute ``width`` units from ``start`` on."""
    rows = ops.slice(kernel, [start, 0], [width, kernel.shape[1]])
    return inputs @ ops.transpose(rows) + ops.slice(bias, [start], [width])
