"""What the models of sequences share: any length, padding, and generation from left to right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_ar.models import inputs as checks
from keras_ar.models.sequence_inputs import (
    check_codes,
    check_sequence_conditions,
    mark_lengths,
)
from keras_ar.models.sequence_training import SequenceTraining
from keras_ar.sampling import (
    CODES_PER_PASS,
    BeamSearch,
    SequenceSampler,
    draw_code,
    progress_bar,
)

__all__ = ["SequenceModel"]


class SequenceModel(SequenceTraining):
    """A model of sequences of codes, of any length.

    The first input of its graph is the codes ``(batch, time)``, which only a ``PreviousCode``
    layer may read. In arrays of sequences of different lengths the code -1 stands behind the end
    of each: it has no probability and no influence, in training too.

    A model without conditions can be trained on long sequences in chunks, see ``fit``.

    Args:
        inputs: Integer codes ``(batch, time)``, or a list of codes and conditions.
        parameters: Outputs of the network.
        likelihood: What the outputs mean; it has one channel.
        config: The arguments of the subclass, from which it can be built again.
        name: Name of the model.

    Shapes:
        Input: ``(batch, time)``, any time; then the conditions.
        Output: ``(batch, time, likelihood.num_parameters)``, float32.
    """

    _beam_search: BeamSearch | None = None

    @property
    def vocabulary_size(self) -> int:
        """Number of codes."""
        return self.likelihood.levels

    @property
    def hop(self) -> int | None:
        """Codes per frame of a local condition; ``None`` if there is no such condition."""
        return None

    @property
    def num_dimensions(self) -> int:
        raise ValueError(
            f"{self.name} is a model of sequences: the number of values is that of each sequence."
        )

    def value_counts(self, images):
        codes = ops.convert_to_tensor(images)
        return ops.sum(ops.cast(ops.cast(codes, "int32") >= 0, "float32"), axis=1)

    # Exact likelihood -------------------------------------------------------------------------

    def log_prob(self, codes, condition=None, *, lengths=None, batch_size: int = 64):
        """Return the exact log-probability of every sequence.

        Args:
            codes: Integers ``0..vocabulary_size-1``, ``(batch, time)``; or -1 behind the end of
                sequences that are shorter than others.
            condition: What the model is conditioned on; one for all is enough. A pair if it is
                conditioned both globally and locally.
            lengths: Number of codes of each sequence, ``(batch,)``; what stands behind is not
                looked at. Instead of -1, or where all are equally long, leave it out.
            batch_size: Sequences per network pass; bounds the memory.

        Returns:
            A float32 tensor ``(batch,)``, natural logarithm.

        Raises:
            ValueError: If codes, lengths or condition do not fit the model.
        """
        codes, condition = self._check(mark_lengths(codes, lengths), condition)
        steps = max(CODES_PER_PASS // min(batch_size, len(codes)), 1)
        if codes.shape[1] <= steps or not self._can_step():
            return super().log_prob(codes, condition, batch_size=batch_size)
        function = self._compile("chunk_log_prob", self.chunk_log_prob_graph)
        parts = []
        for start in range(0, len(codes), batch_size):
            part = slice(start, start + batch_size)
            _, *conditions = self._tensors(codes[part], condition, part)
            total, place = 0.0, self.sampler.network.start(len(codes[part]))
            for chunk in self.sampler.chunks(codes[part], conditions, steps):
                log_prob, *place = function(*place, *chunk)
                total = total + log_prob
            parts.append(total)
        return ops.concatenate(parts)

    def bits_per_dim(self, codes, condition=None, *, lengths=None, **options):
        """Return ``-log2 p(x)`` divided by the length: bits per sample, or per character.

        Takes the arguments of ``log_prob`` and raises what it raises.
        """
        codes = mark_lengths(codes, lengths)
        return super().bits_per_dim(codes, condition, **options)

    # Generation -------------------------------------------------------------------------------

    def sample(
        self,
        count: int = 1,
        *,
        length: int | None = None,
        condition=None,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        cached: bool = True,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Draw sequences from the model.

        Args:
            count: Number of sequences.
            length: Codes of each; may be left out where a local condition says it.
            condition: As in ``log_prob``; one for all, or one per sequence.
            seed: The same seed gives the same codes; ``None`` draws a fresh one.
            temperature: Below 1 sharpens every conditional distribution, above 1 flattens it.
            top_k: Draw among the ``top_k`` most likely codes only; for categorical outputs. 1
                takes the most likely one at every step.
            top_p: Draw among the most likely codes that together hold the probability ``top_p``
                only; for categorical outputs.
            cached: Whether to remember what earlier steps computed. ``False`` runs the whole
                network for every code: hundreds of times slower, for the same sequences.
            callback: Called as ``callback(time, codes)`` after every chunk, with the codes so far.
                An exception it raises ends the generation, as Ctrl-C does.
            verbose: Whether to show a progress bar when it takes longer than two seconds.

        Returns:
            Integer codes ``(count, length)``, uint8 for up to 256.

        Raises:
            ValueError: If an argument does not fit the model, or a layer cannot be run step by
                step (then ``cached=False`` helps).
        """
        if count < 1:
            raise ValueError(f"count must be at least 1; got {count}.")
        if length is None:
            length = self._length_of(condition)
        if length < 1:
            raise ValueError(f"length must be at least 1; got {length}.")
        return self.complete(
            np.zeros((count, length), "int32"),
            np.zeros((length,), bool),
            condition=condition,
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            cached=cached,
            callback=callback,
            verbose=verbose,
        )

    def complete(self, codes, known=None, *, length: int | None = None, **options) -> np.ndarray:
        """Continue sequences, or fill in their unknown codes, each given all codes before it.

        A known code is never changed. A drawn one takes account of what comes before it, known
        or drawn, but not of known codes that come later. What all sequences know at their
        beginning costs one network pass, whatever its length.

        Args:
            codes: As in ``log_prob``, all of one length; unknown ones may hold any legal code.
            known: bool ``(time,)`` or ``(batch, time)``, true where given; all of them if left
                out.
            length: Codes to fill up to; what lies behind the given ones is unknown.
            **options: Those of ``sample`` from ``condition`` on.

        Returns:
            Integer codes ``(batch, length)``.

        Raises:
            ValueError: If an argument does not fit the model.
        """
        codes = check_codes(codes, self.vocabulary_size, may_be_padded=False)
        count, given = codes.shape
        known = np.ones(given, bool) if known is None else known
        known = checks.check_known(known, (given,), count)
        more = 0 if length is None else length - given
        if more < 0:
            raise ValueError(f"length is {length}, and {given} codes are given already.")
        widths = [(0, 0), (0, more)]
        return super().complete(np.pad(codes, widths), np.pad(known, widths), **options)

    def beam_search(
        self,
        length: int,
        *,
        prompt=None,
        beam_width: int = 8,
        condition=None,
        verbose: bool = True,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search for the most probable sequences, keeping ``beam_width`` beginnings at every step.

        Args:
            length: Codes of a sequence, those of the prompt included.
            prompt: Codes ``(time,)`` with which all sequences begin; none if left out.
            beam_width: Number of beginnings. 1 takes the most likely code at every step; with at
                least ``vocabulary_size ** (number of codes to find - 1)`` the search is complete.
            condition: As in ``log_prob``, for one sequence.
            verbose: Whether to show a progress bar when it takes longer than two seconds.

        Returns:
            Integer codes ``(beams, length)``, the most probable first, and float32 ``(beams,)``:
            the natural logarithm of the probability of each given the prompt. There are
            ``beam_width`` beams, or as many as there are possible sequences.

        Raises:
            ValueError: If an argument does not fit the model, its outputs are no logits of the
                codes, or a layer cannot be run step by step.
        """
        if not self.likelihood.can_truncate:
            raise ValueError(
                f"beam_search compares the logits of all codes; the outputs of {self.name} feed a "
                f"{type(self.likelihood).__name__}."
            )
        if beam_width < 1:
            raise ValueError(f"beam_width must be at least 1; got {beam_width}.")
        start = np.zeros((1, 0), "int32")
        if prompt is not None:
            prompt = np.asarray(ops.convert_to_numpy(prompt))
            if prompt.ndim != 1:
                raise ValueError(f"prompt must have shape (time,); got {prompt.shape}.")
            start = check_codes(prompt[None], self.vocabulary_size, may_be_padded=False)
        given = start.shape[1]
        if length <= given:
            raise ValueError(f"length must be above the {given} codes of the prompt; got {length}.")
        condition = check_sequence_conditions(condition, (1, length), self)
        if self._beam_search is None:
            self._beam_search = BeamSearch(self.sampler, self.variables)
        _, *conditions = self._tensors(start, condition)
        codes, log_prob = self._beam_search.search(
            start, length, beam_width, conditions, verbose=verbose
        )
        return codes.astype(checks.storage_dtype(self.vocabulary_size)), log_prob

    @property
    def sampler(self) -> SequenceSampler:
        """The execution step by step, made when first needed.

        Raises:
            ValueError: If a layer of the network cannot be run step by step.
        """
        if self._sampler is None:
            self._sampler = SequenceSampler(
                self.inputs, self.outputs[0], self.likelihood, self.variables
            )
        return self._sampler

    # The graph --------------------------------------------------------------------------------

    def position_log_prob(self, parameters, images):
        """Compute the log-probability of every code, ``(batch, time)``; 0 behind the end."""
        codes = ops.cast(images, "int32")
        is_value = codes >= 0
        per_code = self.likelihood.log_prob(parameters, ops.where(is_value, codes, 0)[..., None])
        return ops.where(is_value, per_code, 0.0)

    def chunk_log_prob_graph(self, previous, state, codes, constant, over_time):
        """Compute ``log_prob`` of a chunk that begins where a memory ends.

        Returns:
            Log-probabilities ``(batch,)``, the last codes, and the memory after the chunk.
        """
        network = self.sampler.network
        parameters, state = network.advance(codes, previous, state, constant, over_time)
        log_prob = ops.sum(self.position_log_prob(parameters, codes), axis=1)
        return log_prob, codes[:, -1], state

    def draw_code_graph(self, codes, known, noise, time, temperature, truncation, *condition):
        """Draw the codes of one step from unchecked tensors, by a pass over the whole."""
        return draw_code(
            lambda current: self.parameters_graph(current, *condition),
            self.likelihood,
            codes,
            known,
            noise,
            time,
            temperature,
            truncation,
        )

    # Private ----------------------------------------------------------------------------------

    def _fill_by_whole_passes(
        self, start, known, noise, conditions, heat, truncation, *, callback, verbose
    ):
        compiled = self._compile("draw_code", self.draw_code_graph)
        codes = ops.convert_to_tensor(start[..., 0])
        tensors = [ops.convert_to_tensor(x) for x in (known, noise)]
        times = np.flatnonzero(~known.all(axis=0))
        for time in progress_bar(times, "code", is_shown=verbose):
            place = ops.convert_to_tensor(np.int32(time))
            codes = compiled(codes, *tensors, place, heat, truncation, *conditions)
            if callback is not None:
                callback(int(time) + 1, ops.convert_to_numpy(codes)[:, : time + 1])
        return ops.convert_to_numpy(codes)[..., None]

    def _check(self, images, condition):
        codes = check_codes(images, self.vocabulary_size)
        return codes, check_sequence_conditions(condition, codes.shape, self)

    def _can_step(self) -> bool:
        try:
            return bool(self.sampler)
        except ValueError:
            return False

    def _length_of(self, condition: Any) -> int:
        if self.hop is None or condition is None:
            raise ValueError("Say how many codes to draw: sample(count, length=...).")
        features = condition[1] if isinstance(condition, tuple) else condition
        return np.shape(features)[-2] * self.hop
