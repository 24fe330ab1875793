"""DeepNADE: an order-agnostic model of vectors."""

from collections.abc import Sequence

import keras

from keras_ar.distributions import discrete_likelihood
from keras_ar.models.orderless_model import (
    OrderlessModel,
    dense_outputs,
    orderless_parameters,
    see_some,
)
from keras_ar.models.vector_model import event_size_of, layer_sizes, vector_input
from keras_ar.sampling.orderless_dense_network import OrderlessDenseNetwork

__all__ = ["DeepNADE"]


@keras.saving.register_keras_serializable("keras_ar")
class DeepNADE(OrderlessModel):
    """Predict every value from any set of others, by a dense network.

    The network reads the seen values and the mask that says which they are. One set of weights
    serves all orders: ``log_prob(x, orders=k)`` averages the probabilities of ``k`` of them.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take; 2 makes the outputs Bernoulli.
        units: Units of every hidden layer, from the values on.
        activation: Of the hidden units.
        seed: Seed of the orders: those drawn in training and those of ``log_prob``.
        name: Name of the model.

    Shapes:
        Input: ``(batch, event_size)`` or ``(batch, height, width, channels)``, integers
            ``0..levels-1``.
        Output: The parameters of every value given the seen ones, as for ``NADE``, and the
            weights ``(batch, size)`` of the training objective. Which values are seen is drawn
            anew in every call.

    Raises:
        ValueError: If a size is impossible.

    Example:
        >>> model = DeepNADE(20, units=(16, 16))
        >>> model.log_prob(np.zeros((2, 20), "uint8"), orders=4).shape
        TensorShape([2])

    Source:
        Uria, Murray and Larochelle (2014), "A Deep and Tractable Density Estimator",
        arXiv:1310.1757; Uria et al. (2016), arXiv:1605.02226, sections 4 and 5.
    """

    def __init__(
        self,
        event_size: int | tuple[int, int, int],
        *,
        levels: int = 2,
        units: Sequence[int] = (500, 500),
        activation: str = "relu",
        seed: int = 0,
        name: str | None = "deepnade",
    ):
        units = layer_sizes(units)
        if min(units, default=0) < 1:
            raise ValueError(f"units must be one positive number or more; got {units}.")
        values, features = vector_input(event_size, levels)
        event_shape = values.shape[1:]
        features, seen = see_some(features, seed)
        number = discrete_likelihood(1, levels).num_parameters
        outputs = dense_outputs(features, seen, units, activation, number, "output")
        outputs, likelihood = orderless_parameters(outputs, seen, event_shape, levels)
        config = {
            "event_size": event_size_of(event_shape),
            "levels": levels,
            "units": units,
            "activation": activation,
            "seed": seed,
        }
        super().__init__(values, outputs, likelihood=likelihood, config=config, name=name)

    def ordered_network(self) -> OrderlessDenseNetwork:
        return self.dense_network()
