"""What the models of vectors share: values with weights of their own, in an order."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import discrete_likelihood
from keras_ar.layers import PixelScaling
from keras_ar.loop import scan
from keras_ar.models import inputs as checks
from keras_ar.models.base import AutoregressiveModel
from keras_ar.sampling import OrderedNetwork, OrderedSampler, WholePassNetwork

__all__ = ["VectorModel", "event_parameters", "event_size_of", "layer_sizes", "vector_input"]


def vector_input(event_size: int | tuple[int, ...], levels: int):
    """Create the input of a vector model, and its values as a flat vector in [0, 1].

    Args:
        event_size: Values per example; or ``(height, width, channels)`` for images, whose
            values are then numbered in raster order, colours innermost.
        levels: Number of values each of them can take.

    Returns:
        The int32 input and the float values ``(batch, size)``.

    Raises:
        ValueError: If a size is not a positive integer, or ``levels`` is below 2.
    """
    shape = (event_size,) if np.ndim(event_size) == 0 else tuple(event_size)
    if len(shape) not in (1, 3) or any(int(side) != side or side < 1 for side in shape):
        raise ValueError(
            "event_size must be a positive number of values, or (height, width, channels); "
            f"got {event_size}."
        )
    if levels < 2:
        raise ValueError(f"levels must be at least 2; got {levels}.")
    values = keras.Input(shape, dtype="int32", name="values")
    scaling = PixelScaling(levels, low=0.0, dtype="float32", name="scaling")
    return values, scaling(ops.reshape(values, (-1, math.prod(shape))))


def event_size_of(event_shape: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return the ``event_size`` that ``vector_input`` turned into this shape of one example."""
    return event_shape[0] if len(event_shape) == 1 else tuple(event_shape)


def layer_sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of consecutive layers as plain integers; one number is one layer."""
    return tuple(int(size) for size in np.atleast_1d(sizes))


def event_parameters(outputs, event_shape: tuple[int, ...], levels: int):
    """Arrange outputs ``(batch, size, n)`` by position, and say what they mean.

    Returns:
        The parameters ``(batch, height, width, channels * n)``, or ``(batch, size, n)`` for a
        vector, level-major as likelihoods want them; and the likelihood.
    """
    if len(event_shape) == 1:
        return outputs, discrete_likelihood(1, levels)
    height, width, channels = event_shape
    number = outputs.shape[-1]
    split = ops.reshape(outputs, (-1, height, width, channels, number))
    level_major = ops.transpose(split, (0, 1, 2, 4, 3))
    parameters = ops.reshape(level_major, (-1, height, width, number * channels))
    return parameters, discrete_likelihood(channels, levels)


class VectorModel(AutoregressiveModel):
    """A model of binary or discrete vectors, whose values come in an order.

    The order need not be the natural one. A subclass says how its network runs value by value
    (``ordered_network``) and, if it has several orders or masks, how many components it has.
    """

    def _set_up(self, inputs, parameters, likelihood, config: Mapping[str, Any], name) -> None:
        super()._set_up(inputs, parameters, likelihood, config, name)
        self.value_likelihood = discrete_likelihood(1, likelihood.levels)
        self._plain_sampler = None

    # What a subclass may say ------------------------------------------------------------------

    def ordered_network(self) -> OrderedNetwork:
        """Return the network as it runs value by value."""
        raise NotImplementedError

    @property
    def encode(self) -> PixelScaling:
        """What turns integers into what the network reads."""
        return self.get_layer("scaling")

    @property
    def num_components(self) -> int:
        """Orders and masks whose laws the model averages."""
        return 1

    def _describe_law(self) -> str:
        if self.num_components == 1:
            return super()._describe_law()
        return f"equal mixture of its {self.num_components} masks"

    def orders_for(self, component: int, known):
        """Return the order in which each example is filled in: int32 ``(batch, size)``."""
        return ops.tile(self.order_of(component)[None], (ops.shape(known)[0], 1))

    def component_parameters(self, values, is_seen, component):
        """Compute the parameters ``(batch, size, n)`` of all values of one component in one pass.

        Args:
            values: int32 ``(batch, size)``, zero where not seen.
            is_seen: bool ``(batch, size)``; models with an order have no need of it.
            component: Which order and mask.
        """
        events = ops.reshape(values, (-1, *self.event_shape))
        return self._by_value(super().parameters_graph(events))

    def log_prob_graph(self, images, *condition):
        if self.num_components == 1:
            return super().log_prob_graph(images, *condition)
        values = ops.reshape(ops.cast(images, "int32"), (-1, self.num_dimensions))

        def log_prob_of(carry, given):
            (component,) = given
            parameters = self.component_parameters(values, None, component)
            return carry, [ops.sum(self._log_prob_by_value(parameters, values), axis=1)]

        components = ops.arange(self.num_components)
        _, (log_probs,) = scan(log_prob_of, (), [components], self.num_components, ["float32"])
        # The mean of probabilities, not of their logarithms.
        return ops.logsumexp(log_probs, axis=0) - math.log(self.num_components)

    # Generation -------------------------------------------------------------------------------

    @property
    def sampler(self) -> OrderedSampler:
        """The execution value by value, made when first needed."""
        if self._sampler is None:
            self._sampler = self._build_sampler(self.ordered_network())
        return self._sampler

    def _build_sampler(self, network: OrderedNetwork) -> OrderedSampler:
        stretch = math.prod(self.event_shape[1:]) if len(self.event_shape) == 3 else 64
        return OrderedSampler(network, self.value_likelihood, self.variables, stretch)

    def _fill_incrementally(self, start, known, noise, conditions, heat, truncation, **options):
        return self._fill(self.sampler, start, known, noise, heat, truncation, **options)

    def _fill_by_whole_passes(self, start, known, noise, conditions, heat, truncation, **options):
        if self._plain_sampler is None:
            network = WholePassNetwork(self.component_parameters, self.num_dimensions)
            self._plain_sampler = self._build_sampler(network)
        return self._fill(self._plain_sampler, start, known, noise, heat, truncation, **options)

    def _fill(self, sampler, start, known, noise, heat, truncation, *, callback, verbose):
        count, size = len(start), self.num_dimensions
        known = np.broadcast_to(known[..., None], start.shape).reshape(count, size)
        noise = noise.reshape(count, size, 1)
        values = start.reshape(count, size)
        dtype = checks.storage_dtype(self.likelihood.levels)

        def report(stretch, filled, *, some):
            values[some] = filled
            callback(stretch, values.reshape(count, *self.event_shape).astype(dtype))

        components = np.array(ops.convert_to_numpy(self._draw_components(noise)))
        for component in np.unique(components):
            some = components == component
            order = ops.convert_to_numpy(self.orders_for(component, known[some]))
            values[some] = sampler.generate(
                values[some],
                known[some],
                noise[some],
                order,
                component,
                heat,
                truncation,
                callback=callback and functools.partial(report, some=some),
                verbose=verbose,
            )
        return values

    def fill_graph(self, sampler, images, known, noise, conditions, temperature):
        count, size = ops.shape(images)[0], self.num_dimensions
        known = ops.reshape(ops.broadcast_to(known[..., None], ops.shape(images)), (count, size))
        noise = ops.reshape(noise, (count, size, 1))
        values = given = ops.reshape(images, (count, size))
        components = self._draw_components(noise)
        for component in range(self.num_components):
            order = self.orders_for(component, known)
            drawn = sampler.generate_graph(given, known, noise, order, component, temperature, ())
            values = ops.where((components == component)[:, None], drawn, values)
        return ops.reshape(values, ops.shape(images))

    def _draw_components(self, noise):
        """Choose the component of every example by digits of its noise that no value reads.

        The noise has 23 random bits; the lowest move a value with probability below 2^-10.
        """
        steps = ops.cast(ops.floor(noise * 2.0**23), "int32")
        total = ops.sum(steps % 2**12, axis=(1, 2)) % 2**12
        return total * self.num_components // 2**12

    def _log_prob_by_value(self, parameters, values):
        """Return ``(batch, size)`` for parameters ``(batch, size, n)`` and values of any shape."""
        values = ops.reshape(values, (-1, self.num_dimensions, 1))
        return self.value_likelihood.log_prob(parameters, ops.cast(values, "int32"))

    def _by_value(self, parameters):
        """Undo ``event_parameters``: ``(batch, size, n)``."""
        channels = self.likelihood.channels
        number = self.likelihood.num_parameters // channels
        split = ops.reshape(parameters, (-1, *self.position_shape, number, channels))
        swapped = ops.swapaxes(split, -1, -2)
        return ops.reshape(swapped, (-1, self.num_dimensions, number))
