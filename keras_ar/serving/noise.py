"""The random numbers of a server: functions of the request alone."""

from collections.abc import Sequence

import tensorflow as tf

__all__ = ["draw_noise", "draw_stream_noise"]

# Values are odd multiples of 2^-24, as in sampling.uniform_noise: never exactly 0 or 1.
_NUM_STEPS = 2**23
# The generator is named, because the automatic choice depends on the device.
_GENERATOR = "philox"
# It makes four numbers from one count.
_NUMBERS_PER_COUNT = 4


def draw_noise(shape: Sequence[int | tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
    """Draw uniform float32 numbers of the open interval (0, 1) from a seed ``(2,)``, int32."""
    steps = tf.random.stateless_uniform(
        shape, seed, minval=0, maxval=_NUM_STEPS, dtype="int32", alg=_GENERATOR
    )
    return _to_unit_interval(steps)


def draw_stream_noise(
    seeds: tf.Tensor, positions: tf.Tensor, length: tf.Tensor, noise_size: int
) -> tf.Tensor:
    """Draw the noise of a part of each stream: the numbers of a place depend on seed and place.

    A row is the part ``[position, position + length)`` of ``draw_noise((1, any, noise_size),
    seed)``, so it does not matter into which parts a stream is cut, nor what is drawn beside it.

    Args:
        seeds: int32 ``(batch, 2)``.
        positions: int64 ``(batch,)``: where the part begins.
        length: Number of places.
        noise_size: Numbers per place.

    Returns:
        float32 ``(batch, length, noise_size)``.
    """
    size = length * noise_size

    def draw(given: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        seed, first = given
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
        low = tf.bitcast(counter[0], "int64") + first // _NUMBERS_PER_COUNT
        skipped = tf.cast(first % _NUMBERS_PER_COUNT, "int32")
        steps = tf.raw_ops.StatelessRandomUniformIntV2(
            shape=[size + _NUMBERS_PER_COUNT - 1],
            key=key,
            counter=tf.stack([tf.bitcast(low, "uint64"), counter[1]]),
            alg=tf.random.Algorithm.PHILOX.value,
            minval=0,
            maxval=_NUM_STEPS,
        )
        return steps[skipped : skipped + size]

    steps = tf.map_fn(draw, (seeds, positions * noise_size), fn_output_signature="int32")
    return _to_unit_interval(tf.reshape(steps, (-1, length, noise_size)))


def _to_unit_interval(steps: tf.Tensor) -> tf.Tensor:
    return (tf.cast(steps, "float32") + 0.5) / _NUM_STEPS
