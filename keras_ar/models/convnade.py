"""ConvNADE: an order-agnostic model of images."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ar.distributions import discrete_likelihood
from keras_ar.models.orderless_model import (
    OrderlessModel,
    dense_outputs,
    orderless_parameters,
    see_some,
)
from keras_ar.models.vector_model import layer_sizes, vector_input
from keras_ar.sampling import OrderedNetwork
from keras_ar.sampling.orderless_convolution_network import OrderlessConvolutionNetwork
from keras_ar.sampling.summed_network import SummedNetwork

__all__ = ["ConvNADE"]


def _convolve(maps, filters: Sequence[int], kernel_size: int, activation: str):
    """Shrink the image by half of the convolutions, and let it grow again by the others."""
    number = len(filters)
    for index, count in enumerate(filters):
        is_last = index == number - 1
        convolution = keras.layers.Conv2D if 2 * index < number else keras.layers.Conv2DTranspose
        maps = convolution(
            count,
            kernel_size,
            activation=None if is_last else activation,
            dtype="float32" if is_last else None,
            name=f"convolution_{index}",
        )(maps)
    return maps


@keras.saving.register_keras_serializable("keras_ar")
class ConvNADE(OrderlessModel):
    """Predict every pixel from any set of others, by a convolutional network.

    The network reads the seen values and, as a channel, the mask that says which they are. The
    first half of its convolutions has ``valid`` borders and shrinks the image, the second half has
    ``full`` borders and lets it grow again. A branch of dense layers, as in ``DeepNADE``, may be
    added to its output. One set of weights serves all orders.

    Sampling and likelihood run the convolutions once for every value: little that a convolution
    without order computes stays true when one more value is seen. Only what reaches that value
    is computed of the last ones.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 makes the outputs Bernoulli.
        filters: Maps of every convolution but the last; an odd number of them.
        kernel_size: Side of the windows.
        units: Units of every hidden layer of the dense branch; none leaves the branch out.
        activation: Of maps and units.
        seed: Seed of the orders: those drawn in training and those of ``log_prob``.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``.
        Output: The parameters of every value given the seen ones, as for ``PixelCNN``, and the
            weights ``(batch, height * width * channels)`` of the training objective. Which values
            are seen is drawn anew in every call.

    Raises:
        ValueError: If a size is impossible or the image too small for the convolutions.

    Source:
        Uria, Côté, Gregor, Murray and Larochelle (2016), "Neural Autoregressive Distribution
        Estimation", arXiv:1605.02226, section 6. Sizes are parameters; the defaults are ours.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 2,
        filters: Sequence[int] = (64, 64, 64),
        kernel_size: int = 7,
        units: Sequence[int] = (500,),
        activation: str = "relu",
        seed: int = 0,
        name: str | None = "convnade",
    ):
        filters, units = layer_sizes(filters), layer_sizes(units)
        if len(filters) % 2 == 0 or min(filters + units) < 1 or kernel_size < 1:
            raise ValueError(
                "filters must be an odd number of positive numbers (the last convolution is not "
                f"named), units and kernel_size positive; got {filters}, {units}, {kernel_size}."
            )
        shrinkage = (kernel_size - 1) * (len(filters) + 1) // 2
        if len(image_shape) == 3 and min(image_shape[:2]) <= shrinkage:
            raise ValueError(
                f"{len(filters) + 1} convolutions of side {kernel_size} shrink an image by "
                f"{shrinkage} pixels; {image_shape[0]}x{image_shape[1]} is too small for them."
            )
        values, features = vector_input(tuple(image_shape), levels)
        features, seen = see_some(features, seed)
        height, width, channels = image_shape
        number = discrete_likelihood(1, levels).num_parameters
        maps = [ops.reshape(part, (-1, height, width, channels)) for part in (features, seen)]
        maps = ops.concatenate(maps, axis=-1)
        outputs = _convolve(maps, (*filters, channels * number), kernel_size, activation)
        outputs = ops.reshape(outputs, (-1, seen.shape[-1], number))
        if units:
            outputs += dense_outputs(features, seen, units, activation, number, "branch")
        outputs, likelihood = orderless_parameters(outputs, seen, values.shape[1:], levels)
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "filters": filters,
            "kernel_size": kernel_size,
            "units": units,
            "activation": activation,
            "seed": seed,
        }
        super().__init__(values, outputs, likelihood=likelihood, config=config, name=name)

    def ordered_network(self) -> OrderedNetwork:
        shrinking, growing = (
            [layer for layer in self.layers if type(layer) is kind]
            for kind in (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        )
        network = OrderlessConvolutionNetwork(shrinking, growing, self.encode, self.event_shape)
        if not self._config["units"]:
            return network
        return SummedNetwork([network, self.dense_network()])
