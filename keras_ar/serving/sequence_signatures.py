"""What a server answers for a model of sequences: whole ones, and streams piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keras_ar.models.sequence_model import SequenceModel
from keras_ar.serving.noise import draw_noise, draw_stream_noise
from keras_ar.serving.request_checks import (
    after,
    check_at_least_one,
    check_codes,
    check_conditions,
    check_frames,
    check_rows,
    check_temperature,
    condition_specs,
)
from keras_ar.serving.streams import Streams

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["sequence_endpoints"]


def sequence_endpoints(
    model: SequenceModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name.

    All that streams take has one row per stream, so that the requests of several clients can
    stand in one batch.
    """
    import tensorflow as tf

    levels, noise_size = model.vocabulary_size, model.likelihood.noise_size
    streams = Streams(model)
    conditions = condition_specs(model)

    def log_prob(codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        (codes,) = after(check_frames(model, conditions, tf.shape(codes)[1]), [codes])
        is_code = codes >= 0
        is_sequence = (
            tf.reduce_all((codes >= -1) & (codes < levels), axis=1)
            & tf.reduce_any(is_code, axis=1)
            & tf.reduce_all(is_code[:, :-1] | ~is_code[:, 1:], axis=1)
        )
        nats = model.log_prob_graph(codes, *conditions)
        return {"log_prob": tf.where(is_sequence, nats, float("nan"))}

    def bits_per_dim(codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        nats = log_prob(codes, *conditions)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * model.value_counts(codes))}

    def sample(
        count: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        checks = [
            check_at_least_one("count", count),
            check_at_least_one("length", length),
            check_temperature(temperature),
            *check_conditions(model, conditions, count, "sequence"),
            *check_frames(model, conditions, length),
        ]
        count, length, *conditions = after(checks, [count, length, *conditions])
        noise = draw_noise((count, length, noise_size), seed)
        heat = tf.fill((count,), temperature)
        codes, _ = _continue(streams.begin(count), length, noise, heat, conditions)
        return {"codes": codes}

    def complete(
        codes: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count, length = tf.unstack(tf.shape(codes))
        checks = [
            *check_codes(model, codes),
            tf.debugging.assert_equal(
                tf.shape(known), [count, length], "known must have the shape of codes."
            ),
            check_temperature(temperature),
            *check_conditions(model, conditions, count, "sequence"),
            *check_frames(model, conditions, length),
        ]
        codes, *conditions = after(checks, [codes, *conditions])
        codes = tf.where(known, codes, 0)
        noise = draw_noise((count, length, noise_size), seed)
        constant, over_time = streams.prepare(conditions, length)
        # What all sequences know at their beginning takes one parallel pass.
        is_known = tf.cast(tf.reduce_all(known, axis=0), "int32")
        first = tf.minimum(tf.reduce_sum(tf.math.cumprod(is_known)), length - 1)
        some = [x[:, :first] for x in (codes, *over_time)]
        begun = streams.begin(count)
        rows = tf.cond(
            first > 0,
            lambda: streams.absorb(begun, some[0], constant, some[1:]),
            lambda: begun,
        )
        rest = [x[:, first:] for x in (codes, known, noise)]
        heat = tf.fill((count,), temperature)
        drawn, _ = streams.generate(rows, *rest, heat, constant, [x[:, first:] for x in over_time])
        return {"codes": tf.concat([some[0], drawn], axis=1)}

    def start(count: tf.Tensor) -> dict[str, tf.Tensor]:
        (count,) = after([check_at_least_one("count", count)], [count])
        return {"state": streams.begin(count)}

    def absorb(state: tf.Tensor, codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        count, length = tf.shape(state)[0], tf.shape(codes)[1]
        checks = [
            *check_codes(model, codes),
            check_rows("codes", codes, count, "state"),
            *check_streams(state, conditions, length),
        ]
        state, codes, *conditions = after(checks, [state, codes, *conditions])
        return {"state": streams.absorb(state, codes, *streams.prepare(conditions, length))}

    def stream(
        state: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count, steps = tf.shape(state)[0], tf.reduce_max(length)
        given = {"length": length, "seed": seed, "temperature": temperature}
        checks = [
            check_at_least_one("length", length),
            tf.debugging.assert_equal(length, steps, "length must be the same in all rows."),
            check_temperature(temperature),
            *(check_rows(name, x, count, "state") for name, x in given.items()),
            *check_streams(state, conditions, steps),
        ]
        state, *conditions = after(checks, [state, *conditions])
        _, position, _ = streams.states.unpack(state)
        noise = draw_stream_noise(seed, position, steps, noise_size)
        codes, state = _continue(state, steps, noise, temperature, conditions)
        return {"codes": codes, "state": state}

    def _continue(
        rows: tf.Tensor,
        length: tf.Tensor,
        noise: tf.Tensor,
        temperature: tf.Tensor,
        conditions: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        blank = tf.zeros((tf.shape(rows)[0], length), "int32")
        known = tf.zeros_like(blank, "bool")
        prepared = streams.prepare(conditions, length)
        return streams.generate(rows, blank, known, noise, temperature, *prepared)

    def check_streams(
        state: tf.Tensor, conditions: Sequence[tf.Tensor], length: tf.Tensor
    ) -> list[tf.Operation]:
        previous, position, _ = streams.states.unpack(state)
        is_legal = tf.reduce_all((previous >= -1) & (previous < levels) & (position >= 0))
        message = "state must come from start, absorb or stream of this model."
        checks = [
            tf.debugging.Assert(is_legal, [message]),
            *check_conditions(model, conditions, tf.shape(state)[0], "state"),
            *check_frames(model, conditions, length),
        ]
        if model.hop is not None:
            is_whole = tf.reduce_all(position % model.hop == 0)
            message = f"All parts of a stream but the last must be multiples of {model.hop} long."
            checks.append(tf.debugging.Assert(is_whole, [message]))
        return checks

    codes = tf.TensorSpec((None, None), "int32", "codes")
    known = tf.TensorSpec((None, None), "bool", "known")
    state = tf.TensorSpec((None, streams.states.size), "float32", "state")
    count = tf.TensorSpec((), "int32", "count")
    length = tf.TensorSpec((), "int32", "length")
    chance = [tf.TensorSpec((2,), "int32", "seed"), tf.TensorSpec((), "float32", "temperature")]
    of_rows = [tf.TensorSpec((None, *x.shape), x.dtype, x.name) for x in (length, *chance)]
    return {
        "log_prob": (log_prob, [codes, *conditions]),
        "bits_per_dim": (bits_per_dim, [codes, *conditions]),
        "sample": (sample, [count, length, *chance, *conditions]),
        "complete": (complete, [codes, known, *chance, *conditions]),
        "start": (start, [count]),
        "absorb": (absorb, [state, codes, *conditions]),
        "stream": (stream, [state, *of_rows, *conditions]),
    }
