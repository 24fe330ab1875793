"""Run a causal convolution one row, or one pixel, at a time."""

import contextlib
from collections.abc import Iterator, Sequence

from keras import ops

from keras_ar.layers.row_memory import RowMemory

__all__ = ["FoldedKernel", "SteppedConv2D", "folded_kernels", "matmul_pixel"]


class FoldedKernel:
    """Let a layer compute the kernel that it convolves with once, instead of in every step.

    The layer provides ``compute_kernel``: its kernel after masks, weight normalisation and the
    cast to the compute dtype.
    """

    _folded_kernel = None

    @property
    def effective_kernel(self):
        """The kernel that is convolved with, in compute dtype."""
        return self.compute_kernel() if self._folded_kernel is None else self._folded_kernel


@contextlib.contextmanager
def folded_kernels(layers: Sequence[FoldedKernel], kernels: Sequence) -> Iterator[None]:
    """Let every layer use the given ``effective_kernel`` inside."""
    for layer, kernel in zip(layers, kernels, strict=True):
        layer._folded_kernel = kernel
    try:
        yield
    finally:
        for layer in layers:
            layer._folded_kernel = None


def matmul_pixel(cells: Sequence, kernel):
    """Multiply the concatenated ``cells``, each ``(batch, 1, 1, channels)``, by a matrix."""
    window = cells[0] if len(cells) == 1 else ops.concatenate(cells, axis=-1)
    outputs = ops.matmul(ops.reshape(window, (-1, kernel.shape[0])), kernel)
    return ops.reshape(outputs, (-1, 1, 1, kernel.shape[1]))


class SteppedConv2D(RowMemory, FoldedKernel):
    """Second execution of a convolution that reads no row below and, within a row, no later pixel.

    The taps on finished rows are convolved once per row, for the whole row; what is left for each
    pixel is one matrix product with the taps on its own row. The memory is ``kernel rows - 1``
    rows of inputs, and inside a row as many pixels as the kernel reaches to the left.

    The layer provides ``_padding`` (of the four axes), ``strides``, ``delay``, ``compute_kernel``
    and ``bias`` (or ``None``).
    """

    strides = 1
    delay = None
    bias = None

    @property
    def steps_within_row(self) -> bool:
        """Whether no tap on the present row is to the right of the pixel."""
        return True

    def step(self, inputs, state):
        """Convolve one whole row ``(batch, 1, width, channels)``."""
        window = ops.concatenate([state, inputs], axis=1) if self._rows_kept else inputs
        outputs = self._convolve_rows(window, self.effective_kernel)
        return self._with_bias(outputs), self.leave_row(inputs, state)

    def enter_row(self, state):
        """Convolve the finished rows for the whole present row; return that and the pixel step."""
        kernel = self.effective_kernel
        ahead = self._convolve_rows(state, kernel[:-1]) if self._rows_kept else None
        taps = self._cells_kept + (self.delay != "column")
        if ahead is None and not taps:
            raise ValueError(f"{self.name}: a type A kernel of size 1 reads nothing.")
        if ahead is not None:
            ahead = self._with_bias(ahead)
        bias = None if self.bias is None else ops.cast(self.bias, self.compute_dtype)
        present = ops.reshape(kernel[-1, :taps], (-1, kernel.shape[-1])) if taps else None

        def step_pixel(inputs, ahead, queue):
            cells = (*queue, inputs)
            if present is None:
                return ahead, cells[1:]
            outputs = matmul_pixel(cells[:taps], present)
            before = bias if ahead is None else ahead
            return (outputs if before is None else outputs + before), cells[1:]

        return ahead, step_pixel

    @property
    def _rows_kept(self) -> int:
        return self._padding[1][0]

    @property
    def _cells_kept(self) -> int:
        return self._padding[2][0]

    def _convolve_rows(self, rows, kernel):
        """Convolve exactly as many rows as ``kernel`` has: one row comes out."""
        if any(self._padding[2]):
            rows = ops.pad(rows, ((0, 0), (0, 0), self._padding[2], (0, 0)))
        return ops.conv(rows, kernel, strides=self.strides, padding="valid")

    def _with_bias(self, outputs):
        return outputs if self.bias is None else outputs + ops.cast(self.bias, outputs.dtype)
