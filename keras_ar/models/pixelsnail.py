"""PixelSNAIL: residual blocks that look around, and attention that looks back at everything."""

import keras
from keras import ops

from keras_ar.distributions import LogisticMixtureLikelihood
from keras_ar.layers import (
    CausalAttention2D,
    GatedResidualBlock,
    PixelPositions,
    PixelScaling,
    Shift2D,
    ShiftedConv2D,
)
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import image_input, vector_condition_input

__all__ = ["PixelSNAIL"]


@keras.saving.register_keras_serializable("keras_ar")
class PixelSNAIL(AutoregressiveModel):
    """Predict every pixel from all pixels before it, as a mixture of discretised logistics.

    A block is some gated residual blocks of 2x2 kernels, which reach a few pixels, and one
    attention over all earlier pixels, whose answer enters through a gated residual block of 1x1
    kernels. Keys and values know the pixel they stand at, its place and the features; queries
    know the place and the features, which are strictly causal.

    Time and memory of the attention grow with the square of the number of pixels.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; sets the width of the mixture's bins.
        filters: Maps of every layer.
        num_blocks: Attentions.
        num_residual_blocks: Gated residual blocks before each attention.
        key_filters: Channels of queries and keys, of all heads together.
        value_filters: Channels of the values; by default half as many as ``filters``.
        num_heads: Heads of the attention.
        num_mixtures: Components of the mixture.
        dropout: Fraction dropped inside the residual blocks in training.
        activation: ``"elu"`` or ``"concat_elu"``, in the residual blocks.
        num_classes: Number of classes, for a model conditioned on class ids.
        condition_shape: ``(features,)``, for a model conditioned on an embedding.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``; and the condition.
        Output: ``(batch, height, width, likelihood.num_parameters)`` mixture parameters, float32.

    Raises:
        ValueError: If the channels of keys or values do not divide into heads, ``activation`` is
            unknown, or the condition is a spatial map.

    Source:
        Chen, Mishra, Rohaninejad, Abbeel (2018), "PixelSNAIL: An Improved Autoregressive
        Generative Model", arXiv:1712.09763. Defaults and structure are those of the model for
        CIFAR-10 in the authors' code (``h12_noup_smallkey``): one stack, raster order.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        filters: int = 256,
        num_blocks: int = 12,
        num_residual_blocks: int = 4,
        key_filters: int = 16,
        value_filters: int | None = None,
        num_heads: int = 1,
        num_mixtures: int = 10,
        dropout: float = 0.5,
        activation: str = "elu",
        num_classes: int | None = None,
        condition_shape: tuple[int, ...] | None = None,
        name: str | None = "pixelsnail",
    ):
        images = image_input(image_shape, levels)
        given, condition = vector_condition_input(
            "PixelSNAIL", image_shape, num_classes, condition_shape
        )
        likelihood = LogisticMixtureLikelihood(image_shape[-1], levels, num_mixtures)
        value_filters = filters // 2 if value_filters is None else value_filters

        def block(place, kernel_size, features, auxiliary=None):
            layer = GatedResidualBlock(
                kernel_size, dropout=dropout, activation=activation, name=place
            )
            return layer(features, auxiliary, condition)

        def project(place, number, features):
            return ShiftedConv2D(number, (1, 1), weight_norm=True, name=place)(features)

        def first(place, kernel_size, reach, shift):
            layer = ShiftedConv2D(filters, kernel_size, reach, weight_norm=True, name=place)
            return Shift2D(shift)(layer(padded))

        padded = PixelScaling(levels, ones_channel=True)(images)
        scaled = padded[..., :-1]
        positions = PixelPositions()(scaled)
        features = first("first_above", (1, 3), "down", "down")
        features += first("first_left", (2, 1), "down_right", "right")
        for index in range(num_blocks):
            for inner in range(num_residual_blocks):
                features = block(f"block_{index}_{inner}", (2, 2), features)
            known = ops.concatenate([scaled, features, positions], axis=-1)
            known = block(f"known_{index}", (1, 1), known)
            keys_values = project(f"keys_values_{index}", key_filters + value_filters, known)
            asked = ops.concatenate([features, positions], axis=-1)
            asked = block(f"asked_{index}", (1, 1), asked)
            queries = project(f"queries_{index}", key_filters, asked)
            mixed = CausalAttention2D(num_heads, name=f"attention_{index}")(queries, keys_values)
            features = block(f"mixed_{index}", (1, 1), features, mixed)

        head = ShiftedConv2D(
            likelihood.num_parameters, (1, 1), weight_norm=True, dtype="float32", name="head"
        )
        parameters = head(ops.elu(features))
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "filters": filters,
            "num_blocks": num_blocks,
            "num_residual_blocks": num_residual_blocks,
            "key_filters": key_filters,
            "value_filters": value_filters,
            "num_heads": num_heads,
            "num_mixtures": num_mixtures,
            "dropout": dropout,
            "activation": activation,
            "num_classes": num_classes,
            "condition_shape": None if condition_shape is None else tuple(condition_shape),
        }
        inputs = images if given is None else [images, given]
        super().__init__(inputs, parameters, likelihood=likelihood, config=config, name=name)
