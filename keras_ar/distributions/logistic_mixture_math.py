"""Compute with mixtures of discretised logistics whose channels depend on each other.

Values ``0..levels-1`` lie on [-1, 1]. In mixture component k the logistic of
channel c is centred at its mean plus a linear term in the earlier channels of
the same pixel. Parameters are float32 tensors: ``logits`` ``(..., K)``,
``means`` and ``log_scales`` ``(..., C, K)``, ``coefficients``
``(..., C (C - 1) / 2, K)`` before tanh, ordered channel by channel and, inside
a channel, earlier channel by earlier channel. Leading axes broadcast.

Every function is finite, in value and in gradient, at every finite parameter.

Source:
    Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, sections 2.1 and
    2.2. Deviation: the mass of a bin is exact, where the paper's code switches
    to the density in the tails.
"""

import math
from collections.abc import Sequence

from keras import ops

from keras_ar.distributions.inverse_cdf import logistic_noise, sample_index
from keras_ar.distributions.tensor import Tensor

# Largest magnitude kept: far beyond any use, and sums of a few still fit into float32.
_HUGE = 1e30
# Smallest bin width, in units of the scale, whose exponential is taken. Not subnormal:
# compiled code flushes those to zero.
_TINY = 1e-30
# exp of this, and of its negative, is a normal float32 number.
_MAX_EXPONENT = 80.0


def scale_values(values: Tensor, levels: int) -> Tensor:
    """Map ``0..levels-1`` to [-1, 1]."""
    # One rounding, of the quotient: near 0 the usual 2 x / (levels - 1) - 1 has lost digits.
    return (2.0 * ops.cast(values, "float32") - (levels - 1)) / (levels - 1)


def nearest_level(scaled: Tensor, levels: int) -> Tensor:
    """Map numbers to the nearest level, int32; beyond [-1, 1] to the end levels."""
    position = ops.clip((scaled + 1.0) * (0.5 * (levels - 1)), 0.0, levels - 1.0)
    return ops.cast(ops.floor(position + 0.5), "int32")


def check_min_log_scale(min_log_scale: float) -> None:
    """Raise a ValueError unless the scale and its inverse are normal float32 numbers."""
    if not -_MAX_EXPONENT <= min_log_scale <= _MAX_EXPONENT:
        raise ValueError(
            f"min_log_scale must be within -{_MAX_EXPONENT}..{_MAX_EXPONENT}, got {min_log_scale}."
        )


def clip_log_scales(log_scales: Tensor, min_log_scale: float) -> Tensor:
    """Keep the log-scales at or above the smallest one, and summable."""
    return ops.clip(log_scales, min_log_scale, _HUGE)


def rows(block: Tensor | None) -> list[Tensor]:
    """Separate the channels, or pairs of channels, of ``(..., rows, K)``; None has none.

    All at once: the gradient is one stack, where those of slices are filled with zeros and added.
    """
    return [] if block is None else ops.unstack(block, axis=-2)


def channel_mean(
    channel: int,
    means: Sequence[Tensor],
    coefficients: Sequence[Tensor],
    earlier: Sequence[Tensor],
) -> Tensor:
    """Centre one channel in every component, given the earlier channels.

    Args:
        channel: Which channel.
        means: Mean of every channel, ``(..., K)``.
        coefficients: Of every pair of channels, before tanh, ``(..., K)``.
        earlier: The ``channel`` earlier values on [-1, 1], each of a shape that
            broadcasts with ``(..., K)``.
    """
    mean = means[channel]
    first = channel * (channel - 1) // 2
    for index, value in enumerate(earlier):
        mean = mean + ops.tanh(coefficients[first + index]) * value
    return mean


def log_bin_mass(values: Tensor, mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Give the log mass that a logistic puts on the bin of every value.

    With standardised edges b < a it is ``sigmoid(a) - sigmoid(b) =
    sigmoid(a) sigmoid(-b) (1 - exp(b - a))``, whose three logarithms are all
    negative: nothing cancels, however far the tail. The end levels own the
    tails beyond them.

    Args:
        values: Legal levels, any dtype; broadcasts with the others.
        mean: Centre on [-1, 1].
        log_scale: Natural log of the scale, already clipped.
        levels: Number of levels.
    """
    values = ops.cast(values, "float32")
    half_width = 1.0 / (levels - 1)
    inverse_scale = ops.exp(-ops.minimum(log_scale, _MAX_EXPONENT))
    centred = scale_values(values, levels) - mean
    upper = ops.clip((centred + half_width) * inverse_scale, -_HUGE, _HUGE)
    lower = ops.clip((centred - half_width) * inverse_scale, -_HUGE, _HUGE)
    log_below = ops.log_sigmoid(upper)
    log_above = ops.log_sigmoid(-lower)
    inside = log_below + log_above + _log1mexp_of_log(math.log(2.0 * half_width) - log_scale)
    mass = ops.where(values >= levels - 1.0, log_above, inside)
    return ops.where(values <= 0.0, log_below, mass)


def log_component_prob(
    values: Tensor, means: Tensor, log_scales: Tensor, coefficients: Tensor | None, levels: int
) -> Tensor:
    """Give the joint log probability of all channels in every component.

    Args:
        values: Legal levels, ``(..., C)``, any dtype.
        means: ``(..., C, K)``.
        log_scales: ``(..., C, K)``, already clipped.
        coefficients: Before tanh; may be None for one channel.
        levels: Number of levels.

    Shapes:
        Output: ``(..., K)``.
    """
    scaled = scale_values(values, levels)
    means, log_scales, coefficients = rows(means), rows(log_scales), rows(coefficients)
    total = 0.0
    for channel, log_scale in enumerate(log_scales):
        earlier = [scaled[..., index, None] for index in range(channel)]
        mean = channel_mean(channel, means, coefficients, earlier)
        total = total + log_bin_mass(values[..., channel, None], mean, log_scale, levels)
    return total


def log_mixture_weights(logits: Tensor) -> Tensor:
    """Normalise the mixture logits in log space."""
    return ops.log_softmax(ops.clip(logits, -_HUGE, _HUGE), axis=-1)


def log_mixture_prob(
    values: Tensor,
    logits: Tensor,
    means: Tensor,
    log_scales: Tensor,
    coefficients: Tensor | None,
    levels: int,
) -> Tensor:
    """Give the log probability of legal values: one component per pixel, shared by its channels."""
    components = log_component_prob(values, means, log_scales, coefficients, levels)
    return ops.logsumexp(log_mixture_weights(logits) + components, axis=-1)


def sample_mixture(
    noise: Tensor,
    logits: Tensor,
    means: Tensor,
    log_scales: Tensor,
    coefficients: Tensor | None,
    levels: int,
    temperature: float | Tensor = 1.0,
) -> Tensor:
    """Draw a component, then its channels in order, each rounded before the next one.

    Rounding before the next channel reads it makes this, at temperature 1, a
    draw of exactly the law that ``log_mixture_prob`` gives.

    Args:
        noise: Uniform numbers of the open interval (0, 1): the first draws the
            component, the others one channel each, ``(..., 1 + C)``.
        logits: ``(..., K)``.
        means: ``(..., C, K)``.
        log_scales: ``(..., C, K)``, already clipped.
        coefficients: Before tanh; may be None for one channel.
        levels: Number of levels.
        temperature: Divides the logits and multiplies the scales.

    Shapes:
        Output: int32 ``(..., C)``.
    """
    component = sample_index(logits, noise[..., 0], temperature)[..., None]
    is_drawn = ops.equal(ops.arange(logits.shape[-1], dtype="int32"), component)
    spread = temperature * logistic_noise(noise)
    scales = rows(ops.exp(ops.minimum(log_scales, _MAX_EXPONENT)))
    means, coefficients = rows(means), rows(coefficients)
    drawn: list[Tensor] = []
    earlier: list[Tensor] = []
    for channel, scale in enumerate(scales):
        mean = channel_mean(channel, means, coefficients, earlier)
        position = mean + scale * spread[..., channel + 1, None]
        # A choice, not a product with a one-hot: an undrawn component may have overflowed.
        position = ops.sum(ops.where(is_drawn, position, 0.0), axis=-1)
        drawn.append(nearest_level(position, levels))
        earlier.append(scale_values(drawn[-1], levels)[..., None])
    return ops.stack(drawn, axis=-1)


def _log1mexp_of_log(log_width: Tensor) -> Tensor:
    """Give ``log(1 - exp(-width))`` from the log of a width that may underflow.

    Below the smallest width kept, ``1 - exp(-width)`` is the width itself, so
    its logarithm continues as a straight line.
    """
    width = ops.exp(ops.clip(log_width, math.log(_TINY), _MAX_EXPONENT))
    return ops.log(-ops.expm1(-width)) + ops.minimum(log_width - math.log(_TINY), 0.0)
