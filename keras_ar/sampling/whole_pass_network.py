"""Run a model of vectors value by value with one whole pass for each: the plain method."""

from collections.abc import Callable

from keras import ops

__all__ = ["WholePassNetwork"]


class WholePassNetwork:
    """Keep the values seen so far, and run the whole network to predict one more.

    Args:
        parameters: ``(values, is_seen, component) -> (batch, size, parameters)``; ``values`` are
            int32 ``(batch, size)``, zero where not seen.
        size: Values per example.
    """

    def __init__(self, parameters: Callable, size: int):
        self._parameters = parameters
        self._size = size

    def prepare(self, component):
        return component

    def initial_state(self, prepared, values, is_seen):
        return ops.where(is_seen, values, 0), is_seen

    def predict(self, state, prepared, place, index):
        parameters = self._parameters(*state, prepared)
        return ops.take_along_axis(parameters, index[:, None, None], axis=1)[:, 0]

    def absorb(self, state, prepared, place, index, value):
        values, is_seen = state
        is_here = ops.equal(ops.arange(self._size)[None], index[:, None])
        return ops.where(is_here, value[:, None], values), ops.logical_or(is_seen, is_here)
