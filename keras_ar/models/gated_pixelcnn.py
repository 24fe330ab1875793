"""Gated PixelCNN: two stacks, gates and conditions."""

import keras

from keras_ar.layers import GatedBlock, PixelScaling
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import condition_input, image_input
from keras_ar.models.pixelcnn import discrete_head

__all__ = ["GatedPixelCNN"]


@keras.saving.register_keras_serializable("keras_ar")
class GatedPixelCNN(AutoregressiveModel):
    """Predict every colour value from all values before it, without a blind spot.

    A vertical stack reads the rows above, a horizontal one the present row; their gates are
    ``tanh(a) * sigmoid(b)``. A condition enters every gate: class ids, an embedding, or a
    spatial map.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 makes the outputs Bernoulli.
        filters: Maps of each stack; divisible by the number of channels.
        num_blocks: Gated blocks, the first of type A included.
        kernel_size: Side of the windows inside the stacks; odd.
        first_kernel_size: Side of the window of the first block; odd.
        head_filters: Maps of the hidden 1x1 convolution at the end.
        num_classes: Number of classes, for a model conditioned on class ids.
        condition_shape: ``(features,)`` or ``(rows, columns, features)``, for a model
            conditioned on an embedding or on a spatial map (at the size of the image, or
            smaller by a whole factor: then it is enlarged by a transposed convolution).
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``; and the condition.
        Output: ``(batch, height, width, channels * levels)`` logits, or ``(..., channels)`` for
            binary images, float32.

    Raises:
        ValueError: If a size is impossible or both kinds of condition are asked for.

    Source:
        van den Oord et al. (2016), "Conditional Image Generation with PixelCNN Decoders",
        arXiv:1606.05328, section 2 and figure 2. Two deviations: the image moves down by one row
        once, instead of the vertical maps in every layer, and a spatial map is enlarged by one
        transposed convolution.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        filters: int = 384,
        num_blocks: int = 20,
        kernel_size: int = 5,
        first_kernel_size: int = 7,
        head_filters: int = 1024,
        num_classes: int | None = None,
        condition_shape: tuple[int, ...] | None = None,
        name: str | None = "gated_pixelcnn",
    ):
        groups = image_shape[-1]
        images = image_input(image_shape, levels)
        given, condition = condition_input(image_shape, num_classes, condition_shape)
        vertical = horizontal = PixelScaling(levels)(images)
        for index in range(num_blocks):
            size, mask_type = (first_kernel_size, "A") if index == 0 else (kernel_size, "B")
            block = GatedBlock(filters, size, mask_type, groups)
            vertical, horizontal = block(vertical, horizontal, condition)
        parameters, likelihood = discrete_head(horizontal, image_shape, levels, head_filters)
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "filters": filters,
            "num_blocks": num_blocks,
            "kernel_size": kernel_size,
            "first_kernel_size": first_kernel_size,
            "head_filters": head_filters,
            "num_classes": num_classes,
            "condition_shape": None if condition_shape is None else tuple(condition_shape),
        }
        inputs = images if given is None else [images, given]
        super().__init__(inputs, parameters, likelihood=likelihood, config=config, name=name)
