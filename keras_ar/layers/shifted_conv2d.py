"""Convolution that reads only rows above and, if asked, only columns to the left."""

import keras
from keras import ops

from keras_ar.layers.stepped_conv2d import SteppedConv2D
from keras_ar.layers.weight_norm import WeightNormLayer

__all__ = ["ShiftedConv2D", "check_reach"]


def check_reach(reach: str, kernel_size: tuple[int, int]) -> None:
    """Refuse a reach that is unknown or that the width of the kernel cannot have."""
    if reach not in ("down", "down_right"):
        raise ValueError(f'reach must be "down" or "down_right"; got {reach!r}.')
    if reach == "down" and kernel_size[1] % 2 == 0:
        raise ValueError(
            f"A down-shifted kernel is centred on its column and needs an odd width; got "
            f"kernel_size={tuple(kernel_size)}."
        )


@keras.saving.register_keras_serializable("keras_ar")
class ShiftedConv2D(SteppedConv2D, WeightNormLayer):
    """Convolve over the rows up to the present one, by padding instead of masking.

    ``"down"`` reads the present row and those above, on both sides of the present column (a
    vertical stack); ``"down_right"`` reads nothing below and nothing to the right. Both read the
    present pixel: put a ``Shift2D`` behind the first of a stack. With ``strides`` of 2 an output
    cell reads up to the first pixel (down and right: top left) of its own 2x2 block.

    Args:
        filters: Output channels.
        kernel_size: ``(height, width)`` in pixels; the width is odd for ``"down"``.
        reach: ``"down"`` or ``"down_right"``.
        strides: Step between output cells in pixels, in both directions.
        weight_norm: Whether the kernel is weight-normalised.
        init_scale: Standard deviation of the outputs after data-dependent initialisation.

    Shapes:
        Input: ``(batch, height, width, channels)``, float.
        Output: ``(batch, ceil(height / strides), ceil(width / strides), filters)``, compute dtype.

    Raises:
        ValueError: If ``reach`` is unknown, or the width is even and ``reach`` is ``"down"``.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, section 2.3, and the authors'
        code (``down_shifted_conv2d``, ``down_right_shifted_conv2d``, and ``nin`` as the kernel of
        size (1, 1)).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        reach: str = "down_right",
        strides: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_reach(reach, kernel_size)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.reach = reach
        self.strides = strides

    def build(self, input_shape):
        height, width = self.kernel_size
        sides = (width // 2, width // 2) if self.reach == "down" else (width - 1, 0)
        self._padding = ((0, 0), (height - 1, 0), sides, (0, 0))
        self.add_kernel((height, width, input_shape[-1], self.filters), output_axis=-1)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: input_shape[-1]})
        self.built = True

    @property
    def steps_within_row(self) -> bool:
        """Whether no tap is to the right of the pixel."""
        return self._padding[2][1] == 0

    def convolve(self, inputs, kernel):
        """Convolve with a given kernel, without bias."""
        if self.kernel_size != (1, 1):
            inputs = ops.pad(inputs, self._padding)
        return ops.conv(inputs, kernel, strides=self.strides, padding="valid")

    def call(self, inputs):
        return self.add_bias(self.convolve(inputs, self.effective_kernel))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, -(-height // self.strides), -(-width // self.strides), self.filters)

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "reach": self.reach,
            "strides": self.strides,
        }
