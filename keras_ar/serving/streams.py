"""Run a network of sequences piece by piece, between states that travel with the requests."""

import functools
from collections.abc import Sequence

import tensorflow as tf

from keras_ar.models.sequence_model import SequenceModel
from keras_ar.serving.stream_state import StreamState

__all__ = ["Streams"]


class Streams:
    """Begin, absorb given codes, and generate: each takes and returns states, one row per stream.

    The two that run the network are traced once, whatever the number of signatures that use
    them: they are most of an export. They are not compiled by XLA, which servers refuse.

    Args:
        model: The model.

    Attributes:
        states: How a row is made up.
    """

    def __init__(self, model: SequenceModel):
        self._sampler = model.sampler
        self.states = StreamState(self._sampler.network)
        self._advance = tf.function(functools.partial(self._advance_graph), autograph=False)
        self._generate = tf.function(functools.partial(self._generate_graph), autograph=False)

    def begin(self, count: tf.Tensor) -> tf.Tensor:
        """Return the states before the first code."""
        previous, memory = self._sampler.network.start(count)
        return self.states.pack(previous, tf.zeros((count,), "int64"), memory)

    def prepare(
        self, conditions: Sequence[tf.Tensor], length: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Compute once what no code changes: what is constant, and what has a time axis.

        Args:
            conditions: Those of the model; frames begin where the codes do.
            length: Number of codes that they are for.
        """
        constant, over_time = self._sampler.network.prepare(*conditions)
        return constant, [x[:, :length] for x in over_time]

    def absorb(
        self,
        rows: tf.Tensor,
        codes: tf.Tensor,
        constant: Sequence[tf.Tensor],
        over_time: Sequence[tf.Tensor],
    ) -> tf.Tensor:
        """Return the states after given codes ``(batch, time)``, at least one, in one pass."""
        return self._advance(rows, codes, list(constant), list(over_time))

    def generate(
        self,
        rows: tf.Tensor,
        codes: tf.Tensor,
        known: tf.Tensor,
        noise: tf.Tensor,
        temperature: tf.Tensor,
        constant: Sequence[tf.Tensor],
        over_time: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Fill in the codes that are not known, step by step.

        Args:
            rows: States before the first of them.
            codes: int32 ``(batch, time)``.
            known: bool ``(batch, time)``.
            noise: float32 ``(batch, time, noise_size)``.
            temperature: float32 ``(batch,)``.
            constant: From ``prepare``.
            over_time: From ``prepare``; as long as the codes.

        Returns:
            The codes, and the states after them.
        """
        return self._generate(
            rows, codes, known, noise, temperature, list(constant), list(over_time)
        )

    def _advance_graph(self, rows, codes, constant, over_time):
        previous, position, memory = self.states.unpack(rows)
        _, memory = self._sampler.network.advance(codes, previous, memory, constant, over_time)
        position += tf.shape(codes, out_type="int64")[1]
        return self.states.pack(codes[:, -1], position, memory)

    def _generate_graph(self, rows, codes, known, noise, temperature, constant, over_time):
        previous, position, memory = self.states.unpack(rows)
        previous, memory, drawn = self._sampler.run(
            previous, memory, constant, temperature, (), codes, known, noise, *over_time
        )
        position += tf.shape(codes, out_type="int64")[1]
        return drawn, self.states.pack(previous, position, memory)
