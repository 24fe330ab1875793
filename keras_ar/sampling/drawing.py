"""Draw a pixel from its parameters."""

from keras import ops

from keras_ar.distributions import Likelihood

__all__ = ["draw_unknown"]


def draw_unknown(
    likelihood: Likelihood, temperature, truncation, parameters, noise, known, images, channel
):
    """Draw pixels, or one colour of them, and keep the rest of what is given.

    Args:
        likelihood: What the parameters mean.
        temperature: Positive scalar.
        truncation: As in ``likelihood.sample``.
        parameters: ``(..., number)``.
        noise: float32 ``(..., likelihood.noise_size)``.
        known: bool ``(..., 1)``; where true, ``images`` is kept.
        images: int32 ``(..., channels)``.
        channel: The colour to draw. Ignored where one pass gives the whole pixel.

    Returns:
        int32 ``(..., channels)``.
    """
    drawn = likelihood.sample(parameters, noise, temperature, truncation)
    if likelihood.passes_per_pixel > 1:
        colours = ops.arange(drawn.shape[-1])
        known = ops.logical_or(known, ops.not_equal(colours, channel))
    return ops.where(known, images, drawn)
