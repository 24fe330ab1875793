"""PixelCNN: a stack of masked convolutions."""

import keras
from keras import ops

from keras_ar.distributions import discrete_likelihood
from keras_ar.layers import MaskedConv2D, PixelScaling
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import image_input

__all__ = ["PixelCNN", "discrete_head"]


def discrete_head(features, image_shape, levels: int, hidden_filters: int):
    """Map features to the parameters of one categorical (or Bernoulli) law per value.

    Two 1x1 convolutions that keep the colour groups apart, each behind a ReLU; the last one
    and everything after it is float32.

    Returns:
        The parameters ``(batch, height, width, likelihood.num_parameters)`` and the likelihood.
    """
    channels = image_shape[-1]
    likelihood = discrete_likelihood(channels, levels)
    hidden = ops.relu(MaskedConv2D(hidden_filters, 1, "B", channels)(ops.relu(features)))
    head = MaskedConv2D(likelihood.num_parameters, 1, "B", channels, dtype="float32")
    return head(hidden), likelihood


def residual_block(features, kernel_size: int, groups: int):
    """Add what a bottleneck of masked convolutions finds: 2h maps to h, h, and 2h again."""
    wide = features.shape[-1]
    narrow = wide // 2
    hidden = MaskedConv2D(narrow, 1, "B", groups)(ops.relu(features))
    hidden = MaskedConv2D(narrow, kernel_size, "B", groups)(ops.relu(hidden))
    return features + MaskedConv2D(wide, 1, "B", groups)(ops.relu(hidden))


@keras.saving.register_keras_serializable("keras_ar")
class PixelCNN(AutoregressiveModel):
    """Predict every colour value from the values before it, by masked convolutions.

    A 7x7 convolution of type A, residual blocks of type B, and a softmax over the levels of
    every colour (a sigmoid for binary images). Fast to train, with a known flaw: a blind spot to
    the right of the pixels above, which ``GatedPixelCNN`` removes.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 makes the outputs Bernoulli.
        filters: Maps inside the residual blocks (h in the paper); the stack has twice as many.
        num_blocks: Residual blocks.
        kernel_size: Side of the masked convolutions inside the blocks; odd.
        first_kernel_size: Side of the first masked convolution; odd.
        head_filters: Maps of the hidden 1x1 convolution at the end.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``.
        Output: ``(batch, height, width, channels * levels)`` logits, or ``(..., channels)`` for
            binary images, float32.

    Raises:
        ValueError: If a size is impossible.

    Example:
        >>> model = PixelCNN((8, 8, 1), levels=2, filters=4, num_blocks=1, head_filters=4)
        >>> model.log_prob(np.zeros((2, 8, 8, 1), "uint8")).shape
        TensorShape([2])

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        sections 3.3 to 3.5 and table 1. The defaults are the paper's for CIFAR-10. For binary
        MNIST use a smaller head.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        filters: int = 128,
        num_blocks: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int = 1024,
        name: str | None = "pixelcnn",
    ):
        groups = image_shape[-1]
        images = image_input(image_shape, levels)
        stem = MaskedConv2D(2 * filters, first_kernel_size, "A", groups)
        features = stem(PixelScaling(levels)(images))
        for _ in range(num_blocks):
            features = residual_block(features, kernel_size, groups)
        parameters, likelihood = discrete_head(features, image_shape, levels, head_filters)
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "filters": filters,
            "num_blocks": num_blocks,
            "kernel_size": kernel_size,
            "first_kernel_size": first_kernel_size,
            "head_filters": head_filters,
        }
        super().__init__(images, parameters, likelihood=likelihood, config=config, name=name)
