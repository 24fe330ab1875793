"""What the order-agnostic models share: DeepNADE and ConvNADE."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_ar.layers import SeenValues
from keras_ar.models import inputs as checks
from keras_ar.models.orders import check_orders, draw_orders
from keras_ar.models.vector_model import VectorModel, event_parameters
from keras_ar.sampling.orderless_dense_network import OrderlessDenseNetwork

__all__ = ["OrderlessModel", "dense_outputs", "orderless_parameters", "see_some"]


def see_some(features, seed: int):
    """Return features and mask of what is seen, ``(batch, size)`` each, zero where it is not."""
    seen = SeenValues(seed=seed, dtype="float32", name="seen")(features)
    return features * seen, seen


def dense_outputs(features, seen, units: Sequence[int], activation: str, number: int, name: str):
    """Map features and mask to ``number`` outputs per value: ``(batch, size, number)``, float32.

    Args:
        features: ``(batch, size)``, zero where not seen.
        seen: The mask, likewise.
        units: Units of every hidden layer.
        activation: Of the hidden units.
        number: Outputs per value.
        name: Name of the last layer; the others are ``hidden_0`` and so on.
    """
    hidden = ops.concatenate([features, seen], axis=-1)
    for index, width in enumerate(units):
        layer = keras.layers.Dense(width, activation=activation, name=f"hidden_{index}")
        hidden = layer(hidden)
    size = seen.shape[-1]
    outputs = keras.layers.Dense(size * number, dtype="float32", name=name)(hidden)
    return ops.reshape(outputs, (-1, size, number))


def orderless_parameters(outputs, seen, event_shape: tuple[int, ...], levels: int):
    """Arrange outputs by position, with the weights of the training objective.

    Returns:
        ``[parameters, weights]`` and the likelihood; see ``event_parameters``. The weights
        ``(batch, size)`` are ``size / (unseen values)`` where a value is not seen, else zero.
    """
    parameters, likelihood = event_parameters(outputs, event_shape, levels)
    unseen = 1.0 - seen
    weights = unseen * (seen.shape[-1] / ops.sum(unseen, axis=-1, keepdims=True))
    return [parameters, weights], likelihood


class OrderlessModel(VectorModel):
    """A model that predicts every value from any set of others, hence under any order.

    Training draws an order and a place in it for every example, and weighs the log-probabilities
    of all values from that place on by ``size / (size - place + 1)``: an unbiased estimate of the
    mean log-likelihood over all orders. So loss and metric of ``fit`` and ``evaluate`` are
    estimates; ``log_prob`` is exact for the orders it is given. Any pattern of known values can
    be completed: they come first in the order.
    """

    def log_prob(
        self, images, condition=None, *, orders: int | np.ndarray = 1, batch_size: int = 64
    ):
        """Return the exact log-probability of every example under one order, or an ensemble.

        Args:
            images: As in ``AutoregressiveModel.log_prob``.
            condition: None; these models are unconditional.
            orders: Number of orders, or an array of them, ``(number, size)``: the index of the
                value at each place. They are drawn with the model's ``seed``; the first is also
                that in which ``sample`` draws. Several orders are an equal mixture: the result
                is the logarithm of the mean probability. The cost grows with their number.
            batch_size: Examples per pass; bounds the memory.

        Returns:
            A float32 tensor ``(batch,)``, natural logarithm.

        Raises:
            ValueError: If the examples do not fit the model, or an order is no permutation.
        """
        images, condition = self._check(images, condition)
        if np.ndim(orders):
            orders = check_orders(orders, self.num_dimensions)
        else:
            orders = draw_orders(orders, self.num_dimensions, self._config["seed"])
        function = self._compile("log_prob_along", self._log_prob_along)

        def average(batch):
            along = [function(batch, ops.convert_to_tensor(order)) for order in orders]
            # The mean of probabilities, not of their logarithms.
            return ops.logsumexp(ops.stack(along), axis=0) - math.log(len(orders))

        return self._in_batches(average, images, condition, batch_size)

    def _describe_law(self, *, orders: int = 1) -> str:
        return f"equal mixture of {orders} seeded orders"

    def conditionals(self, values, is_seen):
        """Return the law of every value given the seen ones alone.

        Args:
            values: As in ``log_prob``; what is not seen may hold any legal value.
            is_seen: bool, the shape of one example's positions, or one mask per example.

        Returns:
            A TensorFlow Probability distribution, as ``distribution`` does.

        Raises:
            ImportError: If TensorFlow Probability cannot be used.
            ValueError: If an argument does not fit the model.
        """
        values, _ = self._check(values, None)
        is_seen = checks.check_known(is_seen, self.position_shape, len(values))
        is_seen = np.repeat(is_seen.reshape(len(values), -1), self.likelihood.channels, axis=1)
        function = self._compile("conditionals", self._parameters_of_seen)
        tensors = ops.convert_to_tensor(values), ops.convert_to_tensor(is_seen)
        return self.likelihood.distribution(function(*tensors))

    def dense_network(self) -> OrderlessDenseNetwork:
        """Return what ``dense_outputs`` built as it runs value by value."""
        layers = [layer for layer in self.layers if isinstance(layer, keras.layers.Dense)]
        *hidden, output = layers
        return OrderlessDenseNetwork(hidden, output, self.encode, self.num_dimensions)

    def log_prob_graph(self, images, *condition):
        return self._log_prob_along(images, self.order_of(0))

    def order_of(self, component: int = 0) -> np.ndarray:
        return draw_orders(component + 1, self.num_dimensions, self._config["seed"])[component]

    def training_nats(self, outputs, images, *condition):
        parameters, weights = outputs
        log_probs = self._log_prob_by_value(self._by_value(parameters), images)
        # What is seen has no part in it, even where its log-probability is not finite.
        weighted = ops.where(weights > 0.0, weights * log_probs, 0.0)
        is_legal = ops.all(ops.isfinite(log_probs), axis=-1)
        return ops.where(is_legal, -ops.sum(weighted, axis=-1), float("nan"))

    def component_parameters(self, values, is_seen, component):
        return self._by_value(self._parameters_of_seen(values, is_seen))

    def orders_for(self, component, known):
        """Put known values first; both parts stay in the model's order."""
        size = self.num_dimensions
        place = np.argsort(self.order_of(component)).astype("int32")
        return ops.cast(ops.argsort(ops.where(known, 0, size) + place, axis=1), "int32")

    def _parameters_of_seen(self, values, is_seen):
        """Compute the parameters by position; ``is_seen`` is ``(batch, size)``."""
        events = ops.reshape(values, (-1, *self.event_shape))
        with self.get_layer("seen").given(is_seen):
            return self(events, training=False)[0]

    def parameters_graph(self, images, *condition):
        values = ops.reshape(images, (-1, self.num_dimensions))
        parameters = self._parameters_along(values, self.order_of(0))
        return event_parameters(parameters, self.event_shape, self.likelihood.levels)[0]

    def _parameters_along(self, values, order):
        values = ops.cast(values, "int32")
        orders = ops.tile(ops.cast(order, "int32")[None], (ops.shape(values)[0], 1))
        return self.sampler.parameters_along(values, orders, 0)

    def _log_prob_along(self, images, order):
        values = ops.reshape(images, (-1, self.num_dimensions))
        parameters = self._parameters_along(values, order)
        return ops.sum(self._log_prob_by_value(parameters, values), axis=-1)
