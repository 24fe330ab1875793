"""Generate images pixel by pixel in raster order, one full network pass per step."""

from collections.abc import Callable

import numpy as np
from keras import ops

from keras_ar.distributions import Likelihood
from keras_ar.sampling.drawing import draw_unknown
from keras_ar.sampling.progress import progress_bar

__all__ = ["draw_pixel", "generate_raster"]


def draw_pixel(
    network: Callable,
    likelihood: Likelihood,
    images,
    known,
    noise,
    row,
    column,
    channel,
    temperature,
    truncation,
):
    """Draw one pixel (or one colour of it) of every image, unless it is known.

    Args:
        network: Maps images to likelihood parameters, both over the whole image.
        likelihood: What the parameters mean.
        images: int32 ``(batch, height, width, channels)``.
        known: bool ``(batch, height, width)``.
        noise: float32 ``(batch, height, width, likelihood.noise_size)``.
        row: Row of the pixel, an integer or a scalar tensor; ``column`` likewise.
        column: See ``row``.
        channel: The colour to draw. Ignored where one pass gives the whole pixel.
        temperature: Positive scalar.
        truncation: As in ``likelihood.sample``.

    Returns:
        ``images`` with the pixel filled in.
    """
    height, width = images.shape[1:3]

    def at_pixel(maps):
        return ops.take(ops.take(maps, row, axis=1), column, axis=1)

    given = (network(images), noise, known[..., None], images)
    drawn = draw_unknown(likelihood, temperature, truncation, *map(at_pixel, given), channel)
    is_here = ops.logical_and(
        ops.equal(ops.arange(height), row)[:, None], ops.equal(ops.arange(width), column)[None, :]
    )
    return ops.where(is_here[None, ..., None], drawn[:, None, None, :], images)


def generate_raster(
    step: Callable,
    images: np.ndarray,
    known: np.ndarray,
    noise: np.ndarray,
    passes_per_pixel: int,
    *,
    callback: Callable | None = None,
    verbose: bool = True,
) -> np.ndarray:
    """Fill in the unknown pixels of ``images`` in raster order.

    Args:
        step: Compiled ``draw_pixel``: ``(images, known, noise, row, column, channel) -> images``.
        images: int32 ``(batch, height, width, channels)``; unknown pixels hold any legal value.
        known: bool ``(batch, height, width)``; where true, ``images`` is never changed.
        noise: float32 ``(batch, height, width, noise_size)``.
        passes_per_pixel: Network passes that a pixel takes.
        callback: Called as ``callback(row, images)`` after each row with an unknown pixel.
        verbose: Whether to show a progress bar once two seconds have passed.

    Returns:
        int32 images as a NumPy array.
    """
    images, noise = ops.convert_to_tensor(images), ops.convert_to_tensor(noise)
    is_drawn = ~known.all(axis=0)
    known = ops.convert_to_tensor(known)
    rows = np.flatnonzero(is_drawn.any(axis=1))
    for row in progress_bar(rows, "row", is_shown=verbose):
        for column in np.flatnonzero(is_drawn[row]):
            for channel in range(passes_per_pixel):
                place = (np.int32(row), np.int32(column), np.int32(channel))
                images = step(images, known, noise, *(ops.convert_to_tensor(p) for p in place))
        if callback is not None:
            callback(int(row), ops.convert_to_numpy(images))
    return ops.convert_to_numpy(images)
