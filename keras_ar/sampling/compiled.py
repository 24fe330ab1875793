"""Compile a function of tensors once, on either backend."""

import functools
from collections.abc import Callable, Sequence

import keras

__all__ = ["compile_function"]


def compile_function(
    function: Callable, variables: Sequence[keras.Variable], *, jit_compile: bool = False
) -> Callable:
    """Compile ``function``, which may read ``variables`` but not write them.

    On TensorFlow this is a ``tf.function``; on JAX a ``jax.jit`` that receives the current
    values of the variables as arguments, so that they are neither frozen into the program nor
    traced again when they change.

    Args:
        function: Takes and returns tensors (or tuples of them), by position.
        variables: Every Keras variable that ``function`` reads.
        jit_compile: Whether TensorFlow compiles by XLA; JAX always does.

    Returns:
        A function of the same positional arguments.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # A fresh partial: TensorFlow counts retracings by code, and would warn about the second
        # model of a class as if it were the same function.
        # Nothing here needs AutoGraph, which takes longer than tracing itself.
        return tf.function(
            functools.partial(function),
            reduce_retracing=not jit_compile,
            autograph=False,
            jit_compile=jit_compile,
        )
    if keras.backend.backend() == "jax":
        import jax

        @jax.jit
        def run(values, *arguments):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function(*arguments)

        return lambda *arguments: run([v.value for v in variables], *arguments)
    raise RuntimeError(
        f"keras_ar runs on the TensorFlow and JAX backends, not on "
        f"{keras.backend.backend()!r}: set KERAS_BACKEND before importing keras."
    )
