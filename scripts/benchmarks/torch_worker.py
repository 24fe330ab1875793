"""Time a list of convolutions in PyTorch, forward and backward; started by training.py.

Needs torch and nothing else of this project. Activations, normalisation, gates, loss and
optimizer are left out: this is what the convolutions of a training step cost alone.
"""

from collections.abc import Callable
from typing import Any

import torch
from worker import seconds_per_step, serve


def prepare(
    convolutions: list[dict[str, Any]], dtype: str, memory_format: str, steps: int
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Create inputs and kernels, all of which get gradients."""
    torch.manual_seed(0)
    number, layout = getattr(torch, dtype), getattr(torch, memory_format)
    calls, tensors = [], []
    for convolution in convolutions:
        batch, height, width, channels = convolution["input_shape"]
        rows, columns, *ends = convolution["kernel_shape"]
        # Keras keeps (input, output) last, or (output, input) where transposed; torch keeps
        # (output, input) first, or (input, output) where transposed.
        inputs = torch.randn(batch, channels, height, width, dtype=number)
        inputs = inputs.contiguous(memory_format=layout).requires_grad_()
        kernel = torch.randn(*reversed(ends), rows, columns, dtype=number).requires_grad_()
        convolve = (
            torch.nn.functional.conv_transpose2d
            if convolution["is_transposed"]
            else torch.nn.functional.conv2d
        )
        calls.append((convolve, inputs, kernel, convolution["strides"]))
        tensors += [inputs, kernel]

    def step() -> None:
        for tensor in tensors:
            tensor.grad = None
        outputs = [convolve(x, kernel, stride=strides) for convolve, x, kernel, strides in calls]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])

    def work() -> None:
        for _ in range(steps):
            step()

    step()
    return seconds_per_step(work, steps), {"version": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
