"""One compiled loop over slices, on either backend."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

__all__ = ["compile_once", "scan"]


def compile_once(function: Callable) -> Callable:
    """Let JAX, outside of compiled code, compile a loop for new shapes only and not in every call.

    ``function`` takes and returns tensors; TensorFlow runs a loop as it is.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def scan(
    function: Callable,
    carry: Any,
    inputs: Sequence[Any],
    length: int,
    dtypes: Sequence[str],
    *,
    reverse: bool = False,
) -> tuple[Any, list[Any]]:
    """Run ``carry, outputs = function(carry, inputs)`` over the first axis of ``inputs``.

    ``keras.ops.scan`` wants outputs shaped like the carry on TensorFlow; this does not.

    Args:
        function: Takes the carry and a list of slices; returns the carry and a list of tensors.
        carry: Nest of tensors.
        inputs: Tensors of ``length`` slices.
        length: Number of iterations.
        dtypes: Types of the outputs.
        reverse: Whether to begin with the last slices; outputs stay beside their inputs.

    Returns:
        The last carry, and the outputs stacked along a new first axis.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.lax.scan(function, carry, list(inputs), reverse=reverse)
    import tensorflow as tf

    sources = [
        tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x) for x in inputs
    ]
    sinks = [tf.TensorArray(dtype, length) for dtype in dtypes]

    def body(index, carry, sinks):
        place = length - 1 - index if reverse else index
        carry, outputs = function(carry, [source.read(place) for source in sources])
        sinks = [sink.write(place, x) for sink, x in zip(sinks, outputs, strict=True)]
        return index + 1, carry, sinks

    _, carry, sinks = tf.while_loop(
        lambda index, *_: index < length, body, (0, carry, sinks), maximum_iterations=length
    )
    return carry, [sink.stack() for sink in sinks]
