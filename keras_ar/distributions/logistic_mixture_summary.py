"""Summarise mixtures of discretised logistics by their mean and their mode (TensorFlow).

The parameters are those of ``logistic_mixture_math``, float32, all with the
whole batch shape.
"""

import tensorflow as tf

from keras_ar.distributions.logistic_mixture_math import (
    channel_mean,
    log_bin_mass,
    log_component_prob,
    log_mixture_prob,
    log_mixture_weights,
    rows,
    scale_values,
)
from keras_ar.distributions.tensor import Tensor

# Coordinate ascent ends by itself; this bounds it if rounding makes two levels trade places.
_MAX_SWEEPS = 100


def mixture_mean(
    logits: Tensor, means: Tensor, log_scales: Tensor, coefficients: Tensor, levels: int
) -> Tensor:
    """Give the exact mean of every channel, in levels.

    Several channels are taken one position of the batch at a time, so that
    memory stays at ``levels ** 2 * K`` numbers however large the batch.

    Shapes:
        Output: float32 ``(..., C)``.
    """
    channels = means.shape[-2]
    if channels == 1:
        return _mean_of_channel(0, logits, means, log_scales, coefficients, levels)[..., None]

    def position_mean(parameters: tuple[Tensor, ...]) -> Tensor:
        return tf.stack(
            [_mean_of_channel(channel, *parameters, levels=levels) for channel in range(channels)]
        )

    batch = tf.shape(logits)[:-1]
    flat = (
        tf.reshape(logits, tf.concat([[-1], tf.shape(logits)[-1:]], axis=0)),
        *(
            tf.reshape(tensor, tf.concat([[-1], tf.shape(tensor)[-2:]], axis=0))
            for tensor in (means, log_scales, coefficients)
        ),
    )
    flat_mean = tf.map_fn(
        position_mean, flat, fn_output_signature=tf.TensorSpec([channels], tf.float32)
    )
    return tf.reshape(flat_mean, tf.concat([batch, [channels]], axis=0))


def mixture_mode(
    logits: Tensor, means: Tensor, log_scales: Tensor, coefficients: Tensor, levels: int
) -> Tensor:
    """Give the most probable values: exact for one channel, else a local maximum.

    Shapes:
        Output: int32 ``(..., C)``.
    """
    channels = means.shape[-2]
    parameters = (logits, means, log_scales, coefficients)

    def climb(values: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        climbed = values
        for channel in range(channels):
            climbed = _best_level(channel, climbed, *parameters, levels=levels)
        return tf.ensure_shape(climbed, values.shape), values

    start = _best_component_mode(*parameters, levels=levels)
    mode, _ = tf.while_loop(
        lambda values, previous: tf.reduce_any(values != previous),
        climb,
        climb(start, start),
        maximum_iterations=_MAX_SWEEPS,
    )
    return mode


def _mean_of_channel(
    channel: int,
    logits: Tensor,
    means: Tensor,
    log_scales: Tensor,
    coefficients: Tensor,
    levels: int,
) -> Tensor:
    """Average one channel over the components and over all values of the earlier channels."""
    log_weights = log_mixture_weights(logits)
    log_scale = log_scales[..., channel, :]
    if channel == 0:
        expected = _expected_level(means[..., 0, :], log_scale, levels)
        return tf.reduce_sum(tf.exp(log_weights) * expected, axis=-1)

    pairs = channel * (channel - 1) // 2
    of_channels, of_pairs = rows(means), rows(coefficients)
    last = tf.range(levels)[:, None]
    places = tf.constant([levels**place for place in reversed(range(channel - 1))], tf.int32)

    def add(index: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        # The channel just before is an axis; those before it are the digits of the index.
        digits = tf.math.floormod(index // places, levels)
        digits = tf.broadcast_to(digits, [levels, channel - 1])
        earlier = tf.concat([digits, last], axis=-1)
        log_mass = log_component_prob(
            earlier, means[:channel], log_scales[:channel], coefficients[:pairs], levels
        )
        scaled = tf.unstack(scale_values(earlier, levels)[..., None], axis=-2)
        centre = channel_mean(channel, of_channels, of_pairs, scaled)
        expected = _expected_level(centre, log_scale, levels)
        return index + 1, total + tf.reduce_sum(tf.exp(log_weights + log_mass) * expected)

    steps = levels ** (channel - 1)
    _, total = tf.while_loop(
        lambda index, total: index < steps, add, (0, 0.0), parallel_iterations=1
    )
    return total


def _expected_level(mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Average a discretised logistic: the sum over v >= 1 of its mass at or above v."""
    edges = scale_values(tf.range(1, levels), levels) - 1.0 / (levels - 1)
    # Here an overflow to infinity is harmless: its sigmoid is 0 or 1.
    distance = (mean[..., None] - edges) * tf.exp(-log_scale)[..., None]
    return tf.reduce_sum(tf.sigmoid(distance), axis=-1)


def _every_level(like: Tensor, levels: int) -> Tensor:
    """List all levels along a new first axis, to be broadcast against ``like``."""
    return tf.reshape(tf.range(levels), tf.concat([[levels], tf.ones_like(tf.shape(like))], axis=0))


def _best_component_mode(
    logits: Tensor, means: Tensor, log_scales: Tensor, coefficients: Tensor, levels: int
) -> Tensor:
    """Take every component's own mode, channel after channel, and keep the most probable."""
    candidates = _every_level(logits, levels)
    of_channels, of_pairs = rows(means), rows(coefficients)
    chosen: list[Tensor] = []
    earlier: list[Tensor] = []
    for channel, log_scale in enumerate(rows(log_scales)):
        centre = channel_mean(channel, of_channels, of_pairs, earlier)
        mass = log_bin_mass(candidates, centre, log_scale, levels)
        chosen.append(tf.argmax(mass, axis=0, output_type=tf.int32))
        earlier.append(scale_values(chosen[-1], levels))
    # Components first: they are alternatives here, (K, ..., C).
    modes = tf.stack([tf.stack(tf.unstack(mode, axis=-1)) for mode in chosen], axis=-1)
    log_prob = log_mixture_prob(modes, logits, means, log_scales, coefficients, levels)
    best = tf.argmax(log_prob, axis=0)
    is_best = tf.one_hot(best, logits.shape[-1], axis=0, dtype=tf.int32)
    return tf.reduce_sum(modes * is_best[..., None], axis=0)


def _best_level(
    channel: int,
    values: Tensor,
    logits: Tensor,
    means: Tensor,
    log_scales: Tensor,
    coefficients: Tensor,
    levels: int,
) -> Tensor:
    """Set one channel to its most probable level, the others being what they are."""
    candidates = _every_level(values, levels)
    is_channel = tf.range(values.shape[-1]) == channel
    moved = tf.where(is_channel, candidates, values)
    log_prob = log_mixture_prob(moved, logits, means, log_scales, coefficients, levels)
    best = tf.argmax(log_prob, axis=0, output_type=tf.int32)
    return tf.where(is_channel, best[..., None], values)
