"""Integer intensities to an interval of floats: the only place where it happens."""

import keras
from keras import ops

__all__ = ["PixelScaling"]


@keras.saving.register_keras_serializable("keras_ar")
class PixelScaling(keras.layers.Layer):
    """Scale integer intensities ``0..levels-1`` to ``[low, 1]``.

    Args:
        levels: Number of intensity values; 256 for 8-bit images, 2 for binary ones.
        low: What 0 becomes: -1 for images, 0 for vectors.
        ones_channel: Whether to append a channel of ones, which tells the zeros of the padding
            from the intensity in the middle (PixelCNN++).

    Shapes:
        Input: ``(batch, ..., channels)``, integer.
        Output: ``(batch, ..., channels)`` or one channel more, compute dtype.

    Raises:
        ValueError: If there are fewer than 2 levels.
    """

    is_pointwise = True

    def __init__(self, levels: int, *, low: float = -1.0, ones_channel: bool = False, **kwargs):
        super().__init__(**kwargs)
        if levels < 2:
            raise ValueError(f"An image needs at least 2 intensity levels; got {levels}.")
        self.levels = levels
        self.low = low
        self.ones_channel = ones_channel

    def call(self, inputs):
        # float32 first: 255 has more bits than bfloat16 can divide without a second rounding.
        step = (1.0 - self.low) / (self.levels - 1)
        scaled = ops.cast(inputs, "float32") * step + self.low
        if self.ones_channel:
            scaled = ops.concatenate([scaled, ops.ones_like(scaled[..., :1])], axis=-1)
        return ops.cast(scaled, self.compute_dtype)

    def compute_output_spec(self, inputs):
        channels = inputs.shape[-1] + int(self.ones_channel)
        return keras.KerasTensor((*inputs.shape[:-1], channels), dtype=self.compute_dtype)

    def get_config(self):
        return super().get_config() | {
            "levels": self.levels,
            "low": self.low,
            "ones_channel": self.ones_channel,
        }
