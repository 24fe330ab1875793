"""What a server answers for a model of sequences: whole ones, and streams piece by piece."""

from collections.abc import Callable, Sequence

import tensorflow as tf

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

__all__ = ["SequenceEndpoints"]


class SequenceEndpoints:
    """The functions of the server.

    All that streams take has one row per stream, so that the requests of several clients can
    stand in one batch.

    Args:
        model: The model.
    """

    def __init__(self, model: SequenceModel):
        self._model = model
        self._streams = Streams(model)

    def by_name(
        self,
    ) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
        """Return the functions and what they take."""
        conditions = condition_specs(self._model)
        codes = tf.TensorSpec((None, None), "int32", "codes")
        known = tf.TensorSpec((None, None), "bool", "known")
        state = tf.TensorSpec((None, self._streams.states.size), "float32", "state")
        count = tf.TensorSpec((), "int32", "count")
        length = tf.TensorSpec((), "int32", "length")
        seed = tf.TensorSpec((2,), "int32", "seed")
        chance = [seed, tf.TensorSpec((), "float32", "temperature")]
        of_rows = [tf.TensorSpec((None, *x.shape), x.dtype, x.name) for x in (length, *chance)]
        return {
            "log_prob": (self.log_prob, [codes, *conditions]),
            "bits_per_dim": (self.bits_per_dim, [codes, *conditions]),
            "sample": (self.sample, [count, length, *chance, *conditions]),
            "complete": (self.complete, [codes, known, *chance, *conditions]),
            "start": (self.start, [count]),
            "absorb": (self.absorb, [state, codes, *conditions]),
            "stream": (self.stream, [state, *of_rows, *conditions]),
        }

    def log_prob(self, codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return nats per sequence; NaN where it is none."""
        (codes,) = after(check_frames(self._model, conditions, tf.shape(codes)[1]), [codes])
        is_code = codes >= 0
        is_sequence = (
            tf.reduce_all((codes >= -1) & (codes < self._model.vocabulary_size), axis=1)
            & tf.reduce_any(is_code, axis=1)
            & tf.reduce_all(is_code[:, :-1] | ~is_code[:, 1:], axis=1)
        )
        nats = self._model.log_prob_graph(codes, *conditions)
        return {"log_prob": tf.where(is_sequence, nats, float("nan"))}

    def bits_per_dim(self, codes: tf.Tensor, *conditions: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return bits per code of every sequence."""
        nats = self.log_prob(codes, *conditions)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * self._model.value_counts(codes))}

    def sample(
        self,
        count: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Draw ``count`` sequences of ``length`` codes."""
        checks = [
            check_at_least_one("count", count),
            check_at_least_one("length", length),
            check_temperature(temperature),
            *check_conditions(self._model, conditions, count, "sequence"),
            *check_frames(self._model, conditions, length),
        ]
        count, length, *conditions = after(checks, [count, length, *conditions])
        noise = draw_noise((count, length, self._noise_size), seed)
        heat = tf.fill((count,), temperature)
        codes, _ = self._continue(self._streams.begin(count), length, noise, heat, conditions)
        return {"codes": codes}

    def complete(
        self,
        codes: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Draw the codes that are not known."""
        count, length = tf.unstack(tf.shape(codes))
        checks = [
            *check_codes(self._model, codes),
            tf.debugging.assert_equal(
                tf.shape(known), [count, length], "known must have the shape of codes."
            ),
            check_temperature(temperature),
            *check_conditions(self._model, conditions, count, "sequence"),
            *check_frames(self._model, conditions, length),
        ]
        codes, *conditions = after(checks, [codes, *conditions])
        codes = tf.where(known, codes, 0)
        noise = draw_noise((count, length, self._noise_size), seed)
        constant, over_time = self._streams.prepare(conditions, length)
        # What all sequences know at their beginning takes one parallel pass.
        is_known = tf.cast(tf.reduce_all(known, axis=0), "int32")
        first = tf.minimum(tf.reduce_sum(tf.math.cumprod(is_known)), length - 1)
        some = [x[:, :first] for x in (codes, *over_time)]
        begun = self._streams.begin(count)
        rows = tf.cond(
            first > 0,
            lambda: self._streams.absorb(begun, some[0], constant, some[1:]),
            lambda: begun,
        )
        rest = [x[:, first:] for x in (codes, known, noise)]
        heat = tf.fill((count,), temperature)
        later = [x[:, first:] for x in over_time]
        drawn, _ = self._streams.generate(rows, *rest, heat, constant, later)
        return {"codes": tf.concat([some[0], drawn], axis=1)}

    def start(self, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """Begin ``count`` streams."""
        (count,) = after([check_at_least_one("count", count)], [count])
        return {"state": self._streams.begin(count)}

    def absorb(
        self, state: tf.Tensor, codes: tf.Tensor, *conditions: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Go through given codes of every stream."""
        count, length = tf.shape(state)[0], tf.shape(codes)[1]
        checks = [
            *check_codes(self._model, codes),
            check_rows("codes", codes, count, "state"),
            *self._check_streams(state, conditions, length),
        ]
        state, codes, *conditions = after(checks, [state, codes, *conditions])
        prepared = self._streams.prepare(conditions, length)
        return {"state": self._streams.absorb(state, codes, *prepared)}

    def stream(
        self,
        state: tf.Tensor,
        length: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *conditions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Draw the next codes of every stream."""
        count, steps = tf.shape(state)[0], tf.reduce_max(length)
        given = {"length": length, "seed": seed, "temperature": temperature}
        checks = [
            check_at_least_one("length", length),
            tf.debugging.assert_equal(length, steps, "length must be the same in all rows."),
            check_temperature(temperature),
            *(check_rows(name, x, count, "state") for name, x in given.items()),
            *self._check_streams(state, conditions, steps),
        ]
        state, *conditions = after(checks, [state, *conditions])
        _, position, _ = self._streams.states.unpack(state)
        noise = draw_stream_noise(seed, position, steps, self._noise_size)
        codes, state = self._continue(state, steps, noise, temperature, conditions)
        return {"codes": codes, "state": state}

    @property
    def _noise_size(self) -> int:
        return self._model.likelihood.noise_size

    def _continue(
        self,
        rows: tf.Tensor,
        length: tf.Tensor,
        noise: tf.Tensor,
        temperature: tf.Tensor,
        conditions: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        blank = tf.zeros((tf.shape(rows)[0], length), "int32")
        known = tf.zeros_like(blank, "bool")
        prepared = self._streams.prepare(conditions, length)
        return self._streams.generate(rows, blank, known, noise, temperature, *prepared)

    def _check_streams(
        self, state: tf.Tensor, conditions: Sequence[tf.Tensor], length: tf.Tensor
    ) -> list[tf.Operation]:
        model = self._model
        previous, position, _ = self._streams.states.unpack(state)
        is_code = (previous >= -1) & (previous < model.vocabulary_size)
        is_legal = tf.reduce_all(is_code & (position >= 0))
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
