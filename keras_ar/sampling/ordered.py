"""Generate vectors value by value in any order: one compiled loop for a stretch of places."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import Likelihood
from keras_ar.loop import scan
from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.ordered_network import OrderedNetwork
from keras_ar.sampling.progress import CompilationNotice, progress_bar

__all__ = ["OrderedSampler"]


class OrderedSampler:
    """Draw vectors in a given order, or compute the parameters of given ones along it.

    Args:
        network: How the network runs value by value.
        likelihood: What the parameters of one value mean; it has one channel.
        variables: All variables of the model.
        stretch: Places per compiled call; Python runs between two of them.
    """

    def __init__(
        self,
        network: OrderedNetwork,
        likelihood: Likelihood,
        variables: Sequence[keras.Variable],
        stretch: int,
    ):
        self._network = network
        self._likelihood = likelihood
        self._stretch = stretch
        self._begin = compile_function(self._start, variables)
        self._run = compile_function(self.run_places, variables)
        self._notice = CompilationNotice("Compiling the sampler ...")

    def generate(
        self,
        values: np.ndarray,
        known: np.ndarray,
        noise: np.ndarray,
        order: np.ndarray,
        component: int,
        temperature: Any,
        truncation: tuple[Any, ...],
        *,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Fill in the unknown values, each given those before it in the order.

        Args:
            values: int32 ``(batch, size)``; zero where unknown.
            known: bool ``(batch, size)``; where true, ``values`` is never changed.
            noise: float32 ``(batch, size, noise)``, by index.
            order: int32 ``(batch, size)``: the index at each place.
            component: Which order and mask of the model.
            temperature: Positive scalar tensor.
            truncation: As in ``likelihood.sample``.
            callback: Called as ``callback(stretch, values)`` after each stretch of places.
            verbose: Whether to report compilation, and progress once two seconds have passed.

        Returns:
            int32 values.
        """
        is_unknown = ~np.take_along_axis(known, order, axis=1)
        places = np.flatnonzero(is_unknown.any(axis=0))
        if not len(places):
            return values
        first, last = places[0], places[-1] + 1
        self._notice.give(len(truncation), is_shown=verbose)
        # What all examples know at the beginning of the order enters at once.
        is_seen = np.argsort(order, axis=1) < first
        tensors = [ops.convert_to_tensor(x) for x in (known, noise, order)]
        component, values, is_seen = (
            ops.convert_to_tensor(x) for x in (np.int32(component), values, is_seen)
        )
        prepared, state = self._begin(component, values, is_seen)
        starts = range(first // self._stretch * self._stretch, last, self._stretch)
        for start in progress_bar(starts, "stretch", is_shown=verbose):
            limits = np.int32(max(start, first)), np.int32(min(start + self._stretch, last))
            limits = [ops.convert_to_tensor(limit) for limit in limits]
            values, state = self._run(
                *limits, values, state, prepared, *tensors, temperature, truncation
            )
            if callback is not None:
                callback(start // self._stretch, ops.convert_to_numpy(values))
        return np.array(ops.convert_to_numpy(values))

    def generate_graph(self, values, known, noise, order, component, temperature, truncation=()):
        """Do what ``generate`` does inside one graph, for export: all places, no Python."""
        prepared, state = self._start(component, values, ops.zeros_like(known))
        arguments = (values, state, prepared, known, noise, order, temperature, truncation)
        return self.run_places(0, values.shape[1], *arguments)[0]

    def parameters_along(self, values, order, component):
        """Return the parameters ``(batch, size, parameters)`` of given values, by index.

        Args:
            values: int32 ``(batch, size)``.
            order: int32 ``(batch, size)``.
            component: Which order and mask of the model.
        """
        nothing = ops.zeros_like(values, "bool")
        prepared, state = self._start(component, values, nothing)
        size = values.shape[1]

        def visit(state, given):
            (place,) = given
            index = ops.take(order, place, axis=1)
            parameters = self._network.predict(state, prepared, place, index)
            value = _pick(values, index)
            state = self._network.absorb(state, prepared, place, index, value)
            return state, [ops.cast(parameters, "float32")]

        _, (parameters,) = scan(visit, state, [ops.arange(size)], size, ["float32"])
        place_of = ops.argsort(order, axis=1)[..., None]
        return ops.take_along_axis(ops.transpose(parameters, (1, 0, 2)), place_of, axis=1)

    def run_places(
        self, start, stop, values, state, prepared, known, noise, order, temperature, truncation
    ):
        """Visit the places ``start`` to ``stop``; returns the values and the state after them."""

        def visit(place, values, state):
            index = ops.take(order, place, axis=1)
            parameters = self._network.predict(state, prepared, place, index)
            chance = _pick(noise, index)
            drawn = self._likelihood.sample(parameters, chance, temperature, truncation)[:, 0]
            value = ops.where(_pick(known, index), _pick(values, index), drawn)
            is_here = ops.equal(ops.arange(values.shape[1])[None], index[:, None])
            values = ops.where(is_here, value[:, None], values)
            return place + 1, values, self._network.absorb(state, prepared, place, index, value)

        start, stop = (ops.cast(limit, "int32") for limit in (start, stop))
        _, values, state = ops.while_loop(
            lambda place, *_: place < stop, visit, (start, values, state)
        )
        return values, state

    def _start(self, component, values, is_seen):
        prepared = self._network.prepare(component)
        return prepared, self._network.initial_state(prepared, values, is_seen)


def _pick(values, index):
    """Take ``values[i, index[i]]`` for every example."""
    index = ops.reshape(index, (-1, *[1] * (len(values.shape) - 1)))
    return ops.take_along_axis(values, index, axis=1)[:, 0]
