"""Row LSTM: a convolutional LSTM from the first row of an image to the last."""

import keras

from keras_ar.layers.masked_conv2d import MaskedConv2D
from keras_ar.layers.row_recurrence import RowRecurrence

__all__ = ["RowLSTM"]


@keras.saving.register_keras_serializable("keras_ar")
class RowLSTM(keras.layers.Layer):
    """Summarise the triangle above every pixel with an LSTM over rows.

    The input-to-state convolution runs along the row, masked (type B), for the whole image
    at once. The state-to-state convolution reads the row above only and needs no mask: all of
    its colours are in the past.

    Args:
        filters: Maps of the hidden state.
        kernel_size: Width of both convolutions; odd.
        groups: Colour groups per pixel. Map ``i`` belongs to group ``i % groups``.

    Shapes:
        Input: ``(batch, height, width, channels)``, causal features.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If ``kernel_size`` is even, or there are fewer filters than groups.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.1.
    """

    is_composite = True

    def __init__(self, filters: int, kernel_size: int = 3, groups: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        options = {"dtype": self.dtype_policy}
        self.input_to_state = MaskedConv2D(
            4 * filters, (1, kernel_size), "B", groups, num_gates=4, **options
        )
        self.recurrence = RowRecurrence(filters, kernel_size, **options)

    def build(self, input_shape):
        self.input_to_state.build(input_shape)
        self.recurrence.build((*input_shape[:-1], 4 * self.filters))
        self.built = True

    def call(self, inputs):
        return self.recurrence(self.input_to_state(inputs))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "groups": self.groups,
        }
