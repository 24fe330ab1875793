"""Move an image one row down or one column to the right."""

import keras
from keras import ops

__all__ = ["Shift2D"]

_PADDING = {"down": ((1, 0), (0, 0)), "right": ((0, 0), (1, 0))}


@keras.saving.register_keras_serializable("keras_ar")
class Shift2D(keras.layers.Layer):
    """Move an image by one pixel, so that a convolution that reads the present reads the past.

    The first row (or column) becomes zero and the last one is dropped. In PixelCNN++ the shift
    comes after the convolution *and its bias*: the first row is exactly zero, not the bias.

    Args:
        direction: ``"down"`` or ``"right"``.

    Shapes:
        Input: ``(batch, height, width, channels)``, any dtype.
        Output: The same.

    Raises:
        ValueError: If ``direction`` is unknown.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, section 2.3.
    """

    def __init__(self, direction: str, **kwargs):
        super().__init__(**kwargs)
        if direction not in _PADDING:
            raise ValueError(f'direction must be "down" or "right"; got {direction!r}.')
        self.direction = direction

    def call(self, inputs):
        height, width = inputs.shape[1:3]
        padded = ops.pad(inputs, ((0, 0), *_PADDING[self.direction], (0, 0)))
        return padded[:, :height, :width]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"direction": self.direction}
