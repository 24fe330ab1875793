"""Transposed counterpart of the shifted convolution: back to a finer grid."""

import keras
from keras import ops

from keras_ar.layers.crop import crop
from keras_ar.layers.row_memory import RowMemory
from keras_ar.layers.shifted_conv2d import check_reach
from keras_ar.layers.stepped_conv2d import matmul_pixel
from keras_ar.layers.weight_norm import WeightNormLayer

__all__ = ["ShiftedConv2DTranspose"]


@keras.saving.register_keras_serializable("keras_ar")
class ShiftedConv2DTranspose(RowMemory, WeightNormLayer):
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
        outputs = self._spread(inputs, self.effective_kernel, self.strides)
        return self.add_bias(crop(outputs, 1, 0, inputs.shape[1] * self.strides))

    def _spread(self, inputs, kernel, row_strides):
        """Convolve, and crop the columns."""
        strides = (row_strides, self.strides)
        outputs = ops.conv_transpose(inputs, kernel, strides=strides, padding="valid")
        left = self.kernel_size[1] // 2 if self.reach == "down" else 0
        width = inputs.shape[2] * self.strides
        # A kernel narrower than the stride leaves the last columns short; nothing reaches them.
        missing = max(left + width - outputs.shape[2], 0)
        if missing:
            outputs = ops.pad(outputs, ((0, 0), (0, 0), (0, missing), (0, 0)))
        return crop(outputs, 2, left, width)

    # The second execution: one fine row, or one fine pixel, at a time --------------------------

    delay = None

    @property
    def upsampling(self) -> int:
        """Fine rows (and columns) per coarse one."""
        return self.strides

    @property
    def steps_within_row(self) -> bool:
        """Whether no coarse cell to the right of the pixel is read."""
        return self.reach == "down_right"

    def step(self, inputs, state, phase):
        """Give fine row ``phase`` of a coarse row, which comes in at phase 0."""
        if phase == 0:
            state = self.leave_row(inputs, state)
        outputs = self._spread_rows(state, phase)
        if outputs is None:
            shape = (ops.shape(state)[0], 1, state.shape[2] * self.strides, self.filters)
            outputs = ops.zeros(shape, self.compute_dtype)
        return outputs + self._row_bias(), state

    def enter_row(self, state):
        """Return what finished coarse rows give to the first fine row, and the pixel step."""
        # The newest coarse row of ``state`` is the one above the row that is being entered.
        ahead = self._spread_rows(state, self.strides)
        if ahead is not None:
            ahead = ahead + self._row_bias()
        bias = self._row_bias()
        taps = ops.swapaxes(self.effective_kernel[0], -1, -2)
        reach = [range(phase, self.kernel_size[1], self.strides) for phase in range(self.strides)]
        # The newest cell meets the first tap.
        matrices = [
            ops.concatenate([taps[column] for column in reversed(columns)]) if columns else None
            for columns in reach
        ]

        def step_pixel(inputs, ahead, queue, phase):
            if phase == 0:
                queue = (*queue[1:], inputs)
            before = bias if ahead is None else ahead
            if not reach[phase]:
                return before + ops.zeros_like(queue[-1][..., :1]), queue
            cells = queue[-len(reach[phase]) :]
            return matmul_pixel(cells, matrices[phase]) + before, queue

        return ahead, step_pixel

    @property
    def _rows_kept(self) -> int:
        return self._coarse_reach[0]

    @property
    def _cells_kept(self) -> int:
        return self._coarse_reach[1]

    @property
    def _coarse_reach(self) -> tuple[int, ...]:
        """How many coarse rows, and coarse cells of a row, one pixel reads."""
        return tuple(-(-side // self.strides) for side in self.kernel_size)

    def _spread_rows(self, state, first_tap):
        """Sum what the coarse rows, newest first, give to one fine row; ``None`` if nothing."""
        total = None
        taps = range(first_tap, self.kernel_size[0], self.strides)
        for row, tap in zip(reversed(range(state.shape[1])), taps, strict=False):
            kernel = self.effective_kernel[tap : tap + 1]
            outputs = self._spread(state[:, row : row + 1], kernel, 1)
            total = outputs if total is None else total + outputs
        return total

    def _row_bias(self):
        return ops.cast(self.bias, self.compute_dtype)

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
