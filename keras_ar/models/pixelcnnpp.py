"""PixelCNN++: three resolutions, short-cuts and a mixture of logistics."""

import keras
from keras import ops

from keras_ar.distributions import LogisticMixtureLikelihood
from keras_ar.layers import (
    GatedResidualBlock,
    PixelScaling,
    Shift2D,
    ShiftedConv2D,
    ShiftedConv2DTranspose,
)
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import image_input, vector_condition_input

__all__ = ["PixelCNNPP"]

_STACKS = {
    "vertical": {"kernel_size": (2, 3), "reach": "down"},
    "horizontal": {"kernel_size": (2, 2), "reach": "down_right"},
}
_NUM_STAGES = 3


@keras.saving.register_keras_serializable("keras_ar")
class PixelCNNPP(AutoregressiveModel):
    """Predict every pixel from all pixels before it, as a mixture of discretised logistics.

    Two stacks (``vertical`` reads the rows above, ``horizontal`` everything before the pixel)
    run down to a quarter of the resolution and up again, with short-cuts between the two
    halves; the colours of a pixel are linked linearly inside the mixture.

    Args:
        image_shape: ``(height, width, channels)``; both sides divisible by 4.
        levels: Number of intensity values; sets the width of the mixture's bins.
        filters: Maps of every layer.
        num_blocks: Gated residual blocks per resolution on the way down; the way up has one
            more at the two finer resolutions.
        num_mixtures: Components of the mixture.
        dropout: Fraction dropped inside the residual blocks in training.
        num_classes: Number of classes, for a model conditioned on class ids.
        condition_shape: ``(features,)``, for a model conditioned on an embedding.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``; and the condition.
        Output: ``(batch, height, width, likelihood.num_parameters)`` mixture parameters, float32.

    Raises:
        ValueError: If a side cannot be halved twice, or the condition is a spatial map.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517. Defaults and structure are those
        of the authors' code; the likelihood is exact where theirs approximates the tails.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        filters: int = 160,
        num_blocks: int = 5,
        num_mixtures: int = 10,
        dropout: float = 0.5,
        num_classes: int | None = None,
        condition_shape: tuple[int, ...] | None = None,
        name: str | None = "pixelcnnpp",
    ):
        images = image_input(image_shape, levels)
        factor = 2 ** (_NUM_STAGES - 1)
        if image_shape[0] % factor or image_shape[1] % factor:
            raise ValueError(
                f"PixelCNNPP halves the image {_NUM_STAGES - 1} times: height and width must "
                f"be divisible by {factor}; got {tuple(image_shape[:2])}. Pad or crop the images."
            )
        given, condition = vector_condition_input(
            "PixelCNNPP", image_shape, num_classes, condition_shape
        )
        likelihood = LogisticMixtureLikelihood(image_shape[-1], levels, num_mixtures)

        def block(stack, place, features, auxiliary=None):
            layer = GatedResidualBlock(**_STACKS[stack], dropout=dropout, name=f"{stack}_{place}")
            return layer(features, auxiliary, condition)

        def resize(layer_class, stack, place, features):
            layer = layer_class(
                filters, **_STACKS[stack], strides=2, weight_norm=True, name=f"{stack}_{place}"
            )
            return layer(features)

        def first(place, kernel_size, reach, shift):
            layer = ShiftedConv2D(filters, kernel_size, reach, weight_norm=True, name=place)
            return Shift2D(shift)(layer(scaled))

        scaled = PixelScaling(levels, ones_channel=True)(images)
        vertical = [first("vertical_first", (2, 3), "down", "down")]
        horizontal = [
            first("horizontal_first_above", (1, 3), "down", "down")
            + first("horizontal_first_left", (2, 1), "down_right", "right")
        ]
        for stage in range(_NUM_STAGES):
            for index in range(num_blocks):
                place = f"down_{stage}_{index}"
                vertical.append(block("vertical", place, vertical[-1]))
                horizontal.append(block("horizontal", place, horizontal[-1], vertical[-1]))
            if stage < _NUM_STAGES - 1:
                for stack, maps in (("vertical", vertical), ("horizontal", horizontal)):
                    maps.append(resize(ShiftedConv2D, stack, f"halve_{stage}", maps[-1]))

        above, before = vertical.pop(), horizontal.pop()
        for stage in range(_NUM_STAGES):
            for index in range(num_blocks + (stage > 0)):
                place = f"up_{stage}_{index}"
                above = block("vertical", place, above, vertical.pop())
                short_cut = ops.concatenate([above, horizontal.pop()], axis=-1)
                before = block("horizontal", place, before, short_cut)
            if stage < _NUM_STAGES - 1:
                above = resize(ShiftedConv2DTranspose, "vertical", f"double_{stage}", above)
                before = resize(ShiftedConv2DTranspose, "horizontal", f"double_{stage}", before)
        if vertical or horizontal:
            raise AssertionError("Every short-cut must be used exactly once.")

        head = ShiftedConv2D(
            likelihood.num_parameters, (1, 1), weight_norm=True, dtype="float32", name="head"
        )
        parameters = head(ops.elu(before))
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "filters": filters,
            "num_blocks": num_blocks,
            "num_mixtures": num_mixtures,
            "dropout": dropout,
            "num_classes": num_classes,
            "condition_shape": None if condition_shape is None else tuple(condition_shape),
        }
        inputs = images if given is None else [images, given]
        super().__init__(inputs, parameters, likelihood=likelihood, config=config, name=name)
