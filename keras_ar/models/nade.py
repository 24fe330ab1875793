"""NADE: the neural autoregressive distribution estimator."""

import math

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import discrete_likelihood
from keras_ar.layers import NADELayer, PixelScaling
from keras_ar.models.orders import check_order
from keras_ar.models.vector_model import VectorModel, event_parameters, event_size_of, vector_input

__all__ = ["NADE"]


@keras.saving.register_keras_serializable("keras_ar")
class NADE(VectorModel):
    """Predict every value from those before it, through hidden units with shared weights.

    Each prefix of the vector has its own hidden units, but all of them share the weights, so a
    running sum gives them one after the other: likelihood and sample cost
    ``O(size * units)``.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take; 2 makes the outputs Bernoulli.
        units: Hidden units.
        activation: Of the hidden units.
        order: A permutation of ``0..size-1``: the index of the value at each place. The natural
            (for images: raster) order if ``None``.
        name: Name of the model.

    Shapes:
        Input: ``(batch, event_size)`` or ``(batch, height, width, channels)``, integers
            ``0..levels-1``.
        Output: ``(batch, event_size, levels)`` logits or ``(..., 1)`` for binary values, float32;
            for images as for ``PixelCNN``.

    Raises:
        ValueError: If a size is impossible or ``order`` is no permutation.

    Example:
        >>> model = NADE(20, units=8)
        >>> model.log_prob(np.zeros((2, 20), "uint8")).shape
        TensorShape([2])

    Source:
        Larochelle and Murray (2011), "The Neural Autoregressive Distribution Estimator".
        Values beyond two levels enter as numbers in [0, 1], and leave by a softmax.
    """

    def __init__(
        self,
        event_size: int | tuple[int, int, int],
        *,
        levels: int = 2,
        units: int = 500,
        activation: str = "sigmoid",
        order: tuple[int, ...] | None = None,
        name: str | None = "nade",
    ):
        values, features = vector_input(event_size, levels)
        event_shape = values.shape[1:]
        size = math.prod(event_shape)
        number = discrete_likelihood(1, levels).num_parameters
        layer = NADELayer(units, number, activation=activation, dtype="float32", name="nade")
        if order is None:
            outputs = layer(features)
        else:
            order = check_order(order, size)
            outputs = layer(ops.take(features, order, axis=1))
            outputs = ops.take(outputs, np.argsort(order), axis=1)
        parameters, likelihood = event_parameters(outputs, event_shape, levels)
        config = {
            "event_size": event_size_of(event_shape),
            "levels": levels,
            "units": units,
            "activation": activation,
            "order": None if order is None else tuple(int(index) for index in order),
        }
        super().__init__(values, parameters, likelihood=likelihood, config=config, name=name)

    def order_of(self, component: int = 0) -> np.ndarray:
        order = self._config["order"]
        return super().order_of(component) if order is None else np.array(order, "int32")

    def ordered_network(self) -> "_OrderedNADE":
        return _OrderedNADE(self.get_layer("nade"), self.encode, self.order_of())


class _OrderedNADE:
    """A ``NADELayer`` place by place."""

    def __init__(self, layer: NADELayer, encode: PixelScaling, order: np.ndarray):
        self._layer = layer
        self._encode = encode
        self._order = order

    def prepare(self, component):
        return self._layer.prepare()

    def initial_state(self, prepared, values, is_seen):
        seen = self._encode(ops.where(is_seen, values, 0))
        return self._layer.running_sum(ops.take(seen, self._order, axis=1))

    def predict(self, state, prepared, place, index):
        return self._layer.predict(state, prepared, place)

    def absorb(self, state, prepared, place, index, value):
        return self._layer.absorb(state, prepared, place, self._encode(value))
