"""What a server answers for a model of sequences: whole ones, and streams piece by piece."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keras_ar.models.sequence_model import SequenceModel
from keras_ar.serving.noise import draw_noise, draw_stream_noise
from keras_ar.serving.request_checks import (
    after,
    check_at_least_one,
    check_conditions,
    check_generation,
    condition_specs,
)
from keras_ar.serving.stream_state import StreamState

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["sequence_endpoints"]


def sequence_endpoints(
    model: SequenceModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name.

    What a stream takes has one row per client, so that a server may put the requests of several
    clients into one batch.
    """
    import tensorflow as tf

    levels, noise_size = model.vocabulary_size, model.likelihood.noise_size
    network, start_of = model.sampler.network, model.sampler.start
    states = StreamState(network)
    conditions = condition_specs(model)

    def log_prob(codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        (codes,) = after(check_frames(conditions, tf.shape(codes)[1]), [codes])
        is_code = codes >= 0
        is_sequence = (
            tf.reduce_all((codes >= -1) & (codes < levels), axis=1)
            & tf.reduce_any(is_code, axis=1)
            & tf.reduce_all(is_code[:, :-1] | ~is_code[:, 1:], axis=1)
        )
        # The codes of a wrong sequence must not reach the network.
        codes = tf.where(is_sequence[:, None], codes, 0)
        nats = model.log_prob_graph(codes, *conditions)
        return {"log_prob": tf.where(is_sequence, nats, float("nan"))}

    def bits_per_dim(codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        nats = log_prob(codes, *conditions)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * model.value_counts(codes))}

    # One function for all signatures that generate: it is most of the export. Not compiled by
    # XLA, which servers refuse.
    generate = tf.function(functools.partial(model.sampler.run), autograph=False)

    def sample(
        count: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        checks = [check_at_least_one("count", count), check_at_least_one("length", length)]
        count, length = after(checks, [count, length])
        blank = tf.zeros((count, length), "int32")
        return complete(blank, tf.zeros((count, length), "bool"), seed, temperature, *conditions)

    def complete(
        codes: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count, length = tf.unstack(tf.shape(codes))
        checks = [
            *check_codes(codes),
            tf.debugging.assert_equal(
                tf.shape(known), tf.shape(codes), "known must have the shape of codes."
            ),
            *check_frames(conditions, length),
            *check_generation(model, count, temperature, conditions, "sequence"),
        ]
        codes, *conditions = after(checks, [codes, *conditions])
        codes = tf.where(known, codes, 0)
        noise = draw_noise((count, length, noise_size), seed)
        constant, over_time = prepare(conditions, length)
        # What all sequences know at their beginning takes one parallel pass.
        first = tf.reduce_sum(tf.math.cumprod(tf.cast(tf.reduce_all(known, axis=0), "int32")))
        first = tf.minimum(first, length - 1)

        def absorb_known() -> tuple[tf.Tensor, list]:
            some = [x[:, :first] for x in (codes, *over_time)]
            previous, state = start_of(count)
            state = network.advance(some[0], previous, state, constant, some[1:])
            return codes[:, first - 1], network.settled(state)

        previous, state = tf.cond(first > 0, absorb_known, lambda: start_of(count))
        rest = [x[:, first:] for x in (codes, known, noise, *over_time)]
        *_, drawn = generate(previous, state, constant, temperature, (), *rest)
        return {"codes": tf.concat([codes[:, :first], drawn], axis=1)}

    def start(count: tf.Tensor) -> dict[str, tf.Tensor]:
        (count,) = after([check_at_least_one("count", count)], [count])
        previous, memory = start_of(count)
        return {"state": states.pack(previous, tf.zeros((count,), "int64"), memory)}

    def absorb(state: tf.Tensor, codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        count, length = tf.unstack(tf.shape(codes))
        checks = [
            *check_codes(codes),
            *check_streams(state, count, conditions, length),
            *check_conditions(model, count, conditions, "sequence"),
        ]
        state, codes, *conditions = after(checks, [state, codes, *conditions])
        previous, position, memory = states.unpack(state)
        memory = network.advance(codes, previous, memory, *prepare(conditions, length))
        position += tf.cast(length, "int64")
        return {"state": states.pack(codes[:, -1], position, memory)}

    def stream(
        state: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count, steps = tf.shape(state)[0], tf.reduce_max(length)
        checks = [
            check_at_least_one("length", length),
            tf.debugging.assert_equal(length, steps, "length must be the same in all rows."),
            *(
                tf.debugging.assert_equal(tf.shape(x)[0], count, f"{name} needs a row per state.")
                for name, x in (("length", length), ("seed", seed), ("temperature", temperature))
            ),
            *check_streams(state, count, conditions, steps),
            *check_generation(model, count, temperature, conditions, "state"),
        ]
        state, steps, *conditions = after(checks, [state, steps, *conditions])
        previous, position, memory = states.unpack(state)
        noise = draw_stream_noise(seed, position, steps, noise_size)
        constant, over_time = prepare(conditions, steps)
        blank = tf.zeros((count, steps), "int32")
        known = tf.zeros((count, steps), "bool")
        previous, memory, drawn = generate(
            previous, memory, constant, temperature, (), blank, known, noise, *over_time
        )
        position += tf.cast(steps, "int64")
        return {"codes": drawn, "state": states.pack(previous, position, memory)}

    def prepare(conditions: Sequence[tf.Tensor], length: tf.Tensor) -> tuple[list, list]:
        """Compute once what no code changes; the last frame may be longer than what it is for."""
        constant, over_time = network.prepare(*conditions)
        return constant, [x[:, :length] for x in over_time]

    def check_codes(codes: tf.Tensor) -> list[tf.Operation]:
        is_legal = tf.reduce_all((codes >= 0) & (codes < levels))
        return [
            check_at_least_one("The number of codes", tf.shape(codes)[1]),
            tf.debugging.Assert(is_legal, [f"codes must lie in 0..{levels - 1}."]),
        ]

    def check_frames(conditions: Sequence[tf.Tensor], length: tf.Tensor) -> list[tf.Operation]:
        if model.hop is None:
            return []
        wanted = (length + model.hop - 1) // model.hop
        message = f"features need one frame per {model.hop} codes, the last one for the rest."
        return [tf.debugging.assert_equal(tf.shape(conditions[-1])[1], wanted, message)]

    def check_streams(
        state: tf.Tensor, count: tf.Tensor, conditions: Sequence[tf.Tensor], length: tf.Tensor
    ) -> list[tf.Operation]:
        previous, position, _ = states.unpack(state)
        is_legal = tf.reduce_all((previous >= -1) & (previous < levels) & (position >= 0))
        checks = [
            tf.debugging.assert_equal(tf.shape(state)[0], count, "codes need a row per state."),
            tf.debugging.Assert(is_legal, ["state must come from start, stream or absorb."]),
            *check_frames(conditions, length),
        ]
        if model.hop is not None:
            message = f"Only the last part of a stream may be no multiple of {model.hop} long."
            checks.append(
                tf.debugging.assert_equal(position % model.hop, tf.constant(0, "int64"), message)
            )
        return checks

    codes = tf.TensorSpec((None, None), "int32", "codes")
    known = tf.TensorSpec((None, None), "bool", "known")
    state = tf.TensorSpec((None, states.size), "float32", "state")
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
