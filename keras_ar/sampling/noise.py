"""Uniform noise that gives the same samples on every backend."""

import numpy as np

__all__ = ["uniform_noise"]


def uniform_noise(shape: tuple[int, ...], seed: int | None) -> np.ndarray:
    """Draw uniform numbers from the open interval (0, 1).

    All randomness of a call to ``sample`` is drawn here before the first pixel. The numbers of
    the first image do not depend on how many images follow.

    Args:
        shape: Shape of the result, images first.
        seed: Non-negative integer, or ``None`` for fresh entropy.

    Returns:
        A float32 array; its values are odd multiples of 2^-24, hence never 0 or 1.
    """
    steps = np.random.default_rng(seed).integers(0, 2**23, size=shape, dtype=np.int64)
    return ((steps + 0.5) / 2**23).astype(np.float32)
