"""Diagonal BiLSTM: two convolutional LSTMs from the upper corners of an image."""

import keras
from keras import ops

from keras_ar.layers.diagonal_recurrence import DiagonalRecurrence
from keras_ar.layers.masked_conv2d import MaskedConv2D
from keras_ar.layers.shift2d import Shift2D

__all__ = ["DiagonalBiLSTM"]


@keras.saving.register_keras_serializable("keras_ar")
class DiagonalBiLSTM(keras.layers.Layer):
    """Summarise all earlier pixels with two LSTMs over diagonals.

    The input-to-state convolution is 1x1 and masked (type B), so that colours stay in order.
    The state-to-state convolution reads the pixels above and beside and needs no mask. The LSTM
    on its way to the left reads pixels to the right, so its map moves down by a row before the
    two are added.

    Because of that row, the second LSTM may know the pixels themselves. It has to where
    ``inputs`` is strictly causal: no position of a row has the row's last pixel in its past, so
    that the second LSTM would never hear of it.

    Args:
        filters: Maps of the hidden states.
        groups: Colour groups per pixel. Map ``i`` belongs to group ``i % groups``.

    Shapes:
        Input: ``inputs`` ``(batch, height, width, channels)``, causal features; ``pixels``
            ``None`` or ``(batch, height, width, any)``, what else the second LSTM is to read.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If there are fewer filters than groups.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.2. ``pixels`` is ours.
    """

    is_composite = True

    def __init__(self, filters: int, groups: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.groups = groups
        options = {"dtype": self.dtype_policy}
        # Four gates for each direction.
        self.input_to_state = MaskedConv2D(8 * filters, 1, "B", groups, num_gates=8, **options)
        self.to_right = DiagonalRecurrence(filters, "right", **options)
        self.to_left = DiagonalRecurrence(filters, "left", **options)
        self.shift = Shift2D("down", **options)

    def build(self, inputs_shape, pixels_shape=None):
        self.input_to_state.build(inputs_shape)
        gates_shape = (*inputs_shape[:-1], 4 * self.filters)
        self.to_right.build(gates_shape)
        self.to_left.build(gates_shape)
        self.shift.build(self.compute_output_shape(inputs_shape))
        if pixels_shape is not None:
            # Of a row that is finished: no colour is in the future.
            self.pixels_to_state = MaskedConv2D(
                4 * self.filters, 1, "B", use_bias=False, dtype=self.dtype_policy
            )
            self.pixels_to_state.build(pixels_shape)
        self.built = True

    def call(self, inputs, pixels=None):
        to_right, to_left = ops.split(self.input_to_state(inputs), 2, axis=-1)
        if pixels is not None:
            to_left = to_left + self.pixels_to_state(pixels)
        return self.to_right(to_right) + self.shift(self.to_left(to_left))

    def compute_output_shape(self, inputs_shape, pixels_shape=None):
        return (*inputs_shape[:-1], self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "groups": self.groups}
