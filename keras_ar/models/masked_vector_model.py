"""What the models of vectors with masked connections share: MADE and its ancestors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import discrete_likelihood
from keras_ar.layers import MaskChoice, MaskedDense
from keras_ar.models.vector_model import VectorModel, event_parameters, event_size_of, vector_input
from keras_ar.sampling import MaskedDenseNetwork

__all__ = ["MaskedVectorModel"]


class MaskedVectorModel(VectorModel):
    """A network of dense layers whose connections respect one or several orders.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take.
        in_degrees: Place of every value in the order, from 1: ``(masks, size)``.
        hidden_degrees: Degrees of the units of every hidden layer: ``(masks, units)`` each.
        activation: Of the hidden units.
        has_direct: Whether values also enter the outputs directly.
        seed: Seed of the draws of masks in training.
        config: The arguments of the subclass.
        name: Name of the model.
    """

    def __init__(
        self,
        *,
        event_size: int | tuple[int, int, int],
        levels: int,
        in_degrees: Callable[[int], np.ndarray],
        hidden_degrees: Callable[[np.ndarray], Sequence[np.ndarray]],
        activation: str,
        has_direct: bool,
        seed: int,
        config: dict[str, Any],
        name: str | None,
    ):
        values, features = vector_input(event_size, levels)
        event_shape = values.shape[1:]
        number = discrete_likelihood(1, levels).num_parameters
        first = np.atleast_2d(in_degrees(math.prod(event_shape)))
        choice = MaskChoice(len(first), seed=seed, name="mask")(features)
        last = np.repeat(first, number, axis=1)
        degrees, hidden = first, features
        for index, own in enumerate(hidden_degrees(first)):
            layer = MaskedDense(own.shape[1], degrees, own, name=f"hidden_{index}")
            hidden = keras.activations.get(activation)(layer(hidden, choice))
            degrees = own
        options = {"is_strict": True, "dtype": "float32"}
        outputs = None
        if degrees is not first:
            output = MaskedDense(last.shape[1], degrees, last, name="output", **options)
            outputs = output(hidden, choice)
        if has_direct or outputs is None:
            direct = MaskedDense(
                last.shape[1],
                first,
                last,
                use_bias=outputs is None,
                kernel_initializer="zeros",
                name="direct",
                **options,
            )
            from_values = direct(features, choice)
            outputs = from_values if outputs is None else outputs + from_values
        outputs = ops.reshape(outputs, (-1, first.shape[1], number))
        parameters, likelihood = event_parameters(outputs, event_shape, levels)
        config = {"event_size": event_size_of(event_shape), "levels": levels} | config
        super().__init__(values, parameters, likelihood=likelihood, config=config, name=name)
        self._activation = keras.activations.get(activation)

    def init_from_graph(self, inputs, outputs, specified, name=None):
        super().init_from_graph(inputs, outputs, specified, name)
        self._activation = specified._activation

    @property
    def num_components(self) -> int:
        return self.get_layer("mask").num_masks

    def order_of(self, component: int = 0) -> np.ndarray:
        return np.array(ops.convert_to_numpy(self._order_tensor(component)), "int32")

    def orders_for(self, component, known):
        return ops.tile(self._order_tensor(component)[None], (ops.shape(known)[0], 1))

    def _order_tensor(self, component):
        first = next(layer for layer in self.layers if isinstance(layer, MaskedDense))
        return ops.argsort(ops.take(first.in_degrees, component, axis=0))

    def component_parameters(self, values, is_seen, component):
        with self.get_layer("mask").given(component):
            return super().component_parameters(values, is_seen, component)

    def ordered_network(self) -> MaskedDenseNetwork:
        layers = {layer.name: layer for layer in self.layers if isinstance(layer, MaskedDense)}
        outputs = [layers.pop(name) for name in ("output", "direct") if name in layers]
        return MaskedDenseNetwork(
            [(layer, self._activation) for layer in layers.values()],
            outputs,
            [layer.name == "direct" for layer in outputs],
            self.encode,
            self.num_dimensions,
        )
