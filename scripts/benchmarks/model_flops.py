"""Count the arithmetic of a model's training step, and measure what the machine can do at most."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras import ops

from keras_ar.sampling.compiled import compile_function

__all__ = ["matrix_product", "training_flops"]


def training_flops(convolutions: Sequence[Mapping[str, Any]]) -> float:
    """Return the floating-point operations of one training step that the model calls for.

    Two for every multiply-add of the convolutions, forward once and backward twice: for the
    inputs and for the kernels. What is computed again to save memory does not count.

    Args:
        convolutions: What ``record_convolutions`` recorded.
    """
    return 3.0 * sum(2.0 * _multiply_adds(**convolution) for convolution in convolutions)


def matrix_product(size: int, dtype: str) -> tuple[Callable[[], None], float]:
    """Return a function that multiplies two square matrices, and its operations."""
    factors = [ops.cast(ops.ones((size, size)) / size, dtype) for _ in range(2)]
    multiply = compile_function(ops.matmul, [])

    def run() -> None:
        # One number, as an array: only then has the computation ended on every backend. Taken
        # outside, or a compiler may compute that number alone.
        ops.convert_to_numpy(ops.cast(multiply(*factors)[0, 0], "float32"))

    return run, 2.0 * size**3


def _multiply_adds(is_transposed, input_shape, kernel_shape, strides) -> int:
    batch, *sides, _ = input_shape
    if is_transposed:
        return batch * math.prod(sides) * math.prod(kernel_shape)
    positions = [
        (side - taps) // strides + 1 for side, taps in zip(sides, kernel_shape[:2], strict=True)
    ]
    return batch * math.prod(positions) * math.prod(kernel_shape)
