"""The gated block of Gated PixelCNN: two stacks without a blind spot."""

import keras
from keras import ops

from keras_ar.layers.masked_conv2d import MaskedConv2D
from keras_ar.layers.shift2d import Shift2D
from keras_ar.layers.shifted_conv2d import ShiftedConv2D

__all__ = ["GatedBlock"]


def _gate(features):
    values, gate = ops.split(features, 2, axis=-1)
    return ops.tanh(values) * ops.sigmoid(gate)


@keras.saving.register_keras_serializable("keras_ar")
class GatedBlock(keras.layers.Layer):
    """Carry a vertical and a horizontal stack one gated layer further.

    The vertical stack sees every row strictly above, whole; the horizontal stack sees the
    earlier pixels of its own row and reads the vertical stack, never the other way round.
    Together they see all earlier pixels. A block of type ``"A"`` starts both stacks from the
    image: the vertical one moves the image down by a row, once and for all, and there is no
    residual connection; blocks of type ``"B"`` add the horizontal input to the output.

    Args:
        filters: Channels of both stacks; divisible by ``groups``.
        kernel_size: Side of the window in pixels; odd.
        mask_type: ``"A"`` for the first block, ``"B"`` for the others.
        groups: Colour groups per pixel.

    Shapes:
        Input: ``vertical`` and ``horizontal`` ``(batch, height, width, channels)``;
            ``condition`` ``None``, ``(batch, features)`` (the same everywhere) or ``(batch,
            height, width, features)`` (a spatial map).
        Output: A pair of ``(batch, height, width, filters)``: vertical, horizontal.

    Raises:
        ValueError: If ``kernel_size`` is even, ``mask_type`` unknown, or ``filters`` not
            divisible by ``groups``.

    Source:
        van den Oord et al. (2016), "Conditional Image Generation with PixelCNN Decoders",
        arXiv:1606.05328, sections 2.1 to 2.4. The vertical kernel is (n // 2 + 1) x n, which is
        the n x n kernel with its masked half left out.
    """

    is_composite = True

    def __init__(self, filters: int, kernel_size: int, mask_type: str, groups: int = 1, **kwargs):
        super().__init__(**kwargs)
        if filters % groups:
            raise ValueError(
                f"filters must be divisible by the colour groups, because the gates are the "
                f"second half of the maps; got filters={filters}, groups={groups}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.mask_type = mask_type
        self.groups = groups
        options = {"dtype": self.dtype_policy}
        doubled = 2 * filters
        self.shift = Shift2D("down", **options)
        # The row above is all the vertical stack knows, so its channels need no masks.
        self.vertical_conv = ShiftedConv2D(
            doubled, (kernel_size // 2 + 1, kernel_size), "down", **options
        )
        self.horizontal_conv = MaskedConv2D(doubled, (1, kernel_size), mask_type, groups, **options)
        self.vertical_to_horizontal = MaskedConv2D(doubled, 1, "B", use_bias=False, **options)
        self.horizontal_out = MaskedConv2D(filters, 1, "B", groups, **options)

    def build(self, vertical_shape, horizontal_shape, condition_shape=None):
        self.shift.build(vertical_shape)
        self.vertical_conv.build(vertical_shape)
        self.horizontal_conv.build(horizontal_shape)
        wide = (*horizontal_shape[:-1], 2 * self.filters)
        self.vertical_to_horizontal.build(wide)
        self.horizontal_out.build((*horizontal_shape[:-1], self.filters))
        if condition_shape is not None:
            options = {"use_bias": False, "dtype": self.dtype_policy}
            self.vertical_condition = keras.layers.Dense(2 * self.filters, **options)
            self.horizontal_condition = keras.layers.Dense(2 * self.filters, **options)
            self.vertical_condition.build(condition_shape)
            self.horizontal_condition.build(condition_shape)
        self.built = True

    def call(self, vertical, horizontal, condition=None):
        if self.mask_type == "A":
            vertical = self.shift(vertical)
        vertical = self.vertical_conv(vertical)
        features = self.horizontal_conv(horizontal)
        if condition is not None:
            if len(condition.shape) == 2:
                condition = condition[:, None, None, :]
            vertical = vertical + self.vertical_condition(condition)
            features = features + self.horizontal_condition(condition)
        features = features + self.vertical_to_horizontal(vertical)
        outputs = self.horizontal_out(_gate(features))
        if self.mask_type == "B":
            outputs = outputs + horizontal
        return _gate(vertical), outputs

    def compute_output_shape(self, vertical_shape, horizontal_shape, condition_shape=None):
        shape = (*horizontal_shape[:-1], self.filters)
        return shape, shape

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "groups": self.groups,
        }
