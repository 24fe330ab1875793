"""Move an image one row down or one column to the right."""

import keras
from keras import ops

from keras_ar.layers.crop import crop
from keras_ar.layers.row_memory import RowMemory

__all__ = ["Shift2D"]

_AXES = {"down": 1, "right": 2}


@keras.saving.register_keras_serializable("keras_ar")
class Shift2D(RowMemory, keras.layers.Layer):
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
        if direction not in _AXES:
            raise ValueError(f'direction must be "down" or "right"; got {direction!r}.')
        self.direction = direction

    def call(self, inputs):
        axis = _AXES[self.direction]
        kept = crop(inputs, axis, 0, inputs.shape[axis] - 1)
        return ops.pad(kept, [(int(padded == axis), 0) for padded in range(4)])

    @property
    def delay(self) -> str:
        """Outputs read the row above, or the pixel to the left."""
        return "row" if self.direction == "down" else "column"

    @property
    def steps_within_row(self) -> bool:
        """Whether it steps from pixel to pixel."""
        return self.direction == "right"

    def step(self, inputs, state):
        """Give the row above; or move the present row to the right."""
        outputs = state if self._rows_kept else self.call(inputs)
        return outputs, self.leave_row(inputs, state)

    def enter_row(self, state):
        """Return the pixel step, which gives the pixel to the left."""
        return None, lambda inputs, ahead, queue: (queue[0], (inputs,))

    @property
    def _rows_kept(self) -> int:
        return int(self.direction == "down")

    @property
    def _cells_kept(self) -> int:
        return int(self.direction == "right")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"direction": self.direction}
