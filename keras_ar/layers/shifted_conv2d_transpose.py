"""Transposed counterpart of the shifted convolution: back to a finer grid."""

import keras
from keras import ops

from keras_ar.layers.shifted_conv2d import check_reach
from keras_ar.layers.weight_norm import WeightNormLayer

__all__ = ["ShiftedConv2DTranspose"]


@keras.saving.register_keras_serializable("keras_ar")
class ShiftedConv2DTranspose(WeightNormLayer):
    """Spread every coarse cell over the pixels below (and right of) its first one.

    The transposed convolution is cropped at the bottom, and at both sides (``"down"``) or at the
    right (``"down_right"``), so that a pixel reads no coarse cell later than its own.

    Args:
        filters: Output channels.
        kernel_size: ``(height, width)`` in pixels; the width is odd for ``"down"``.
        reach: ``"down"`` or ``"down_right"``.
        strides: Pixels per coarse cell, in both directions.
        weight_norm: Whether the kernel is weight-normalised.
        init_scale: Standard deviation of the outputs after data-dependent initialisation.

    Shapes:
        Input: ``(batch, height, width, channels)``, float.
        Output: ``(batch, height * strides, width * strides, filters)``, compute dtype.

    Raises:
        ValueError: If ``reach`` is unknown, or the width is even and ``reach`` is ``"down"``.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, section 2.4, and the authors'
        code (``down_shifted_deconv2d``, ``down_right_shifted_deconv2d``).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        reach: str = "down_right",
        strides: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_reach(reach, kernel_size)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.reach = reach
        self.strides = strides

    def build(self, input_shape):
        # Transposed kernels are (height, width, output, input): the norm is per axis 2.
        shape = (*self.kernel_size, self.filters, input_shape[-1])
        self.add_kernel(shape, output_axis=2)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: input_shape[-1]})
        self.built = True

    def call(self, inputs):
        height, width = (side * self.strides for side in inputs.shape[1:3])
        left = self.kernel_size[1] // 2 if self.reach == "down" else 0
        outputs = ops.conv_transpose(inputs, self.kernel, strides=self.strides, padding="valid")
        # A kernel narrower than the stride leaves the last columns short; nothing reaches them.
        missing = max(left + width - outputs.shape[2], 0)
        if missing:
            outputs = ops.pad(outputs, ((0, 0), (0, 0), (0, missing), (0, 0)))
        return self.add_bias(outputs[:, :height, left : left + width])

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height * self.strides, width * self.strides, self.filters)

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "reach": self.reach,
            "strides": self.strides,
        }
