"""Where a pixel is: its row and its column as feature maps."""

import keras
from keras import ops

__all__ = ["PixelPositions"]


@keras.saving.register_keras_serializable("keras_ar")
class PixelPositions(keras.layers.Layer):
    """Give every pixel its place, which attention cannot tell otherwise.

    The first half of the maps is ``(row - height / 2) / height``, the second half
    ``(column - width / 2) / width``; each half has one map for each channel of the input, all
    alike, as in the authors' code. No value of the input is read.

    Shapes:
        Input: ``(batch, height, width, channels)``, any dtype.
        Output: ``(batch, height, width, 2 * channels)``, compute dtype.

    Source:
        Chen et al. (2018), "PixelSNAIL", arXiv:1712.09763, and the authors' code
        (``background``).
    """

    # Outputs do not wait for the pixels of their row.
    delay = "row"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        self._height, self._width, self._channels = input_shape[1:]
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))
        self.built = True

    def call(self, inputs):
        return self._positions(ops.arange(self._height), ops.shape(inputs)[0])

    def initial_state(self, batch_size, input_shape):
        """Return the number of the first row."""
        return ops.zeros((), "int32")

    def step(self, inputs, state):
        """Give the positions of one row."""
        return self._positions(state[None], ops.shape(inputs)[0]), state + 1

    def state_after(self, inputs, rows):
        """Return the number of the row after ``rows`` rows."""
        return ops.cast(rows, "int32")

    def _positions(self, rows, batch_size):
        down = ops.cast(rows, "float32")[:, None, None] / self._height - 0.5
        right = ops.arange(self._width, dtype="float32")[None, :, None] / self._width - 0.5
        maps = [down, right]
        shape = (batch_size, rows.shape[0], self._width, self._channels)
        maps = [ops.broadcast_to(ops.cast(x, self.compute_dtype), shape) for x in maps]
        return ops.concatenate(maps, axis=-1)

    def compute_output_spec(self, inputs):
        shape = (*inputs.shape[:-1], 2 * inputs.shape[-1])
        return keras.KerasTensor(shape, dtype=self.compute_dtype)
