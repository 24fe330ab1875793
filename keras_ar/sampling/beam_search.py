"""Find likely sequences: all beams step together through the incremental network."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.loop import scan
from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.progress import progress_bar
from keras_ar.sampling.sequence import SequenceSampler, chunk_length

__all__ = ["BeamSearch"]


class BeamSearch:
    """Keep the most probable beginnings while they grow by one code at a time.

    A beam takes the memory of the network along when it grows out of another one. What is
    dropped never comes back: with fewer beams than beginnings the result need not be the most
    probable sequence, but the probability that stands beside it is exact.

    Args:
        sampler: The execution of the network step by step; its law is a softmax over the codes.
        variables: All variables of the model.

    Source:
        Lowerre (1976), "The Harpy Speech Recognition System"; Graves (2012), "Sequence
        Transduction with Recurrent Neural Networks", arXiv:1211.3711, section 3.
    """

    def __init__(self, sampler: SequenceSampler, variables: Sequence[keras.Variable]):
        self._sampler = sampler
        self._run = compile_function(self.run, variables, jit_compile=True)

    def search(
        self,
        prompt: np.ndarray,
        length: int,
        beam_width: int,
        conditions: Sequence[Any],
        *,
        verbose: bool = True,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return likely sequences that begin with the prompt, and how likely they are.

        Args:
            prompt: int32 ``(1, given)``; ``given`` may be 0.
            length: Codes of a sequence, those of the prompt included.
            beam_width: Beginnings that are kept at every step.
            conditions: The model's conditions for one sequence, as tensors.
            verbose: Whether to report compilation, and progress once two seconds have passed.

        Returns:
            int32 ``(beams, length)``, the most probable first, and float32 ``(beams,)``, the
            natural logarithm of their probability given the prompt. There are fewer beams than
            ``beam_width`` where fewer continuations are possible.
        """
        given = prompt.shape[1]
        chunk = chunk_length(length - given, self._sampler.chunk)
        self._sampler.notice.give((beam_width, chunk, "beam search"), is_shown=verbose)
        place, constant, over_time = self._sampler.begin(prompt, conditions)
        place, constant = keras.tree.map_structure(
            lambda x: ops.repeat(x, beam_width, axis=0) if len(x.shape) else x, (place, constant)
        )
        # All beams are the prompt at first: one of them is enough.
        scores = ops.convert_to_tensor(
            np.where(np.arange(beam_width) == 0, 0.0, -np.inf), "float32"
        )
        beams = np.tile(prompt, (beam_width, 1))
        for start in progress_bar(range(given, length, chunk), "chunk", is_shown=verbose):
            is_wanted = np.arange(start, start + chunk) < length
            present = [self._present(x, start, chunk, beam_width) for x in over_time]
            *place, scores, codes, parents = self._run(
                *place, scores, constant, ops.convert_to_tensor(is_wanted), *present
            )
            ends = _trace_back(*(ops.convert_to_numpy(x)[is_wanted] for x in (codes, parents)))
            beams = np.concatenate([beams[ends[0]], ends[1]], axis=1)
        scores = ops.convert_to_numpy(scores)
        is_possible = np.isfinite(scores)
        return beams[is_possible], scores[is_possible]

    def run(self, previous, state, scores, constant, is_wanted, *over_time):
        """Let all beams grow by a chunk of codes, inside a graph.

        Args:
            previous: int32 ``(beams,)``: the last code of each; -1 at the beginning.
            state: Memory of the network.
            scores: float32 ``(beams,)``: log-probabilities so far.
            constant: From ``network.prepare``.
            is_wanted: bool ``(steps,)``; behind the end of the sequence nothing changes.
            *over_time: Chunks of what ``network.prepare`` gives with a time axis.

        Returns:
            Last codes, memory and scores after the chunk, and for each step int32 ``(steps,
            beams)``: the code of each beam, and the beam before the step out of which it grew.
        """
        beams = ops.shape(scores)[0]

        def grow(carry, given):
            previous, state, scores = carry
            is_wanted, *present = given
            logits, after = self._sampler.network.step(
                previous, state, constant, [x[:, None] for x in present]
            )
            log_probs = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
            size = log_probs.shape[-1]
            best, places = ops.top_k(ops.reshape(scores[:, None] + log_probs, (-1,)), beams)
            parents = ops.where(is_wanted, places // size, ops.arange(beams))
            codes = ops.cast(places % size, "int32")
            after = keras.tree.map_structure(
                lambda x: ops.take(x, parents, axis=0) if len(x.shape) else x, after
            )
            return (codes, after, ops.where(is_wanted, best, scores)), [codes, parents]

        given = [is_wanted, *(ops.swapaxes(x, 0, 1) for x in over_time)]
        carry, drawn = scan(
            grow, (previous, state, scores), given, ops.shape(is_wanted)[0], ["int32", "int32"]
        )
        return *carry, *drawn

    @staticmethod
    def _present(values: np.ndarray, start: int, chunk: int, beam_width: int):
        some = values[:, start : start + chunk]
        some = np.pad(some, [(0, 0), (0, chunk - some.shape[1]), (0, 0)])
        return ops.convert_to_tensor(np.repeat(some, beam_width, axis=0))


def _trace_back(codes: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Follow every beam from its end to the beginning of the chunk.

    Args:
        codes: int32 ``(steps, beams)``.
        parents: int32 ``(steps, beams)``.

    Returns:
        The beam at the beginning out of which each one grew, and its codes ``(beams, steps)``.
    """
    beam = np.arange(codes.shape[1])
    found = np.empty_like(codes)
    for step in reversed(range(len(codes))):
        found[step] = codes[step, beam]
        beam = parents[step, beam]
    return beam, found.T
