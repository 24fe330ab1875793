"""Generate sequences with the incremental network: one compiled program for a chunk of steps."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import Likelihood
from keras_ar.loop import scan
from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.drawing import draw_unknown
from keras_ar.sampling.progress import CompilationNotice, progress_bar
from keras_ar.sampling.sequence_network import SequenceNetwork

__all__ = ["CODES_PER_PASS", "SequenceSampler", "chunk_length", "draw_code"]

# Codes of all sequences together that pass through the network at once: bounds the memory.
CODES_PER_PASS = 1 << 16
# Steps of one compiled call: Python, and with it Ctrl-C and the progress bar, wait for its end.
MAX_CHUNK = 512
# Sequences in one run of a compiled call. The memory of more than about so many outgrows the
# caches: 64 sequences of a WaveNet at once took three times as long as twice 32.
_MAX_ROWS = 32


class SequenceSampler:
    """Draw sequences from left to right, remembering what earlier steps computed.

    Python runs once per chunk of steps. On TensorFlow a chunk is compiled by XLA: a step is
    hundreds of small operations, whose launches would take ten times as long as their work.

    Args:
        inputs: Symbolic inputs of the model: codes ``(batch, time)``, then the conditions.
        output: Symbolic parameters ``(batch, time, number)``.
        likelihood: What the parameters mean; it has one channel.
        variables: All variables of the model.

    Attributes:
        chunk: Most steps per compiled call, and so between two calls of a callback. It may be
            set to another number; what is drawn does not depend on it.
        notice: Tells the user of compilations.

    Raises:
        ValueError: If a layer cannot be run step by step, or the network is not causal.
    """

    def __init__(
        self,
        inputs: Sequence[keras.KerasTensor],
        output: keras.KerasTensor,
        likelihood: Likelihood,
        variables: Sequence[keras.Variable],
    ):
        self.network = SequenceNetwork(inputs, output)
        self._likelihood = likelihood
        self.chunk = MAX_CHUNK
        self._prepare = compile_function(self.network.prepare, variables)
        self._absorb = compile_function(lambda *given: self.network.advance(*given)[1], variables)
        self._run = compile_function(self.run, variables, jit_compile=True)
        self.notice = CompilationNotice("Compiling the sampler ...")

    def generate(
        self,
        codes: np.ndarray,
        known: np.ndarray,
        noise: np.ndarray,
        conditions: Sequence[Any],
        temperature: Any,
        truncation: tuple[Any, ...],
        *,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Fill in the unknown codes from left to right.

        What all sequences know at their beginning is absorbed in one parallel pass, and nothing
        runs after the last unknown code.

        Args:
            codes: int32 ``(batch, time, 1)``; zero where unknown.
            known: bool ``(batch, time)``; where true, ``codes`` is never changed.
            noise: float32 ``(batch, time, likelihood.noise_size)``.
            conditions: The model's conditions, as tensors.
            temperature: Positive scalar tensor.
            truncation: As in ``likelihood.sample``.
            callback: Called as ``callback(time, codes)`` after each chunk, with the
                ``(batch, time)`` codes so far.
            verbose: Whether to report compilation, and progress once two seconds have passed.

        Returns:
            int32 ``(batch, time, 1)``.
        """
        unknown = np.flatnonzero(~known.all(axis=0))
        if not len(unknown):
            return codes
        first, stop = int(unknown[0]), int(unknown[-1]) + 1
        chunk = chunk_length(stop - first, self.chunk)
        self.notice.give((min(len(codes), _MAX_ROWS), chunk, len(truncation)), is_shown=verbose)
        codes = codes[..., 0].copy()
        groups = [slice(row, row + _MAX_ROWS) for row in range(0, len(codes), _MAX_ROWS)]
        places = [self.begin(codes[x, :first], [y[x] for y in conditions]) for x in groups]
        for start in progress_bar(range(first, stop, chunk), "chunk", is_shown=verbose):
            some = slice(start, min(start + chunk, stop))
            for group, rows in enumerate(groups):
                (previous, state), constant, over_time = places[group]
                sources = (codes[rows], known[rows], noise[rows], *over_time)
                given = [ops.convert_to_tensor(_padded(x[:, some], chunk)) for x in sources]
                previous, state, drawn = self._run(
                    previous, state, constant, temperature, truncation, *given
                )
                places[group] = (previous, state), constant, over_time
                codes[rows, some] = ops.convert_to_numpy(drawn)[:, : some.stop - start]
            if callback is not None:
                callback(some.stop, codes[:, : some.stop].copy())
        return codes[..., None]

    def begin(
        self, prefix: np.ndarray, conditions: Sequence[Any]
    ) -> tuple[tuple[Any, list[Any]], list[Any], list[np.ndarray]]:
        """Absorb what is known at the beginning of all sequences.

        Args:
            prefix: int32 ``(batch, time)``; ``time`` may be 0.
            conditions: The model's conditions, as tensors.

        Returns:
            The last code and the memory behind the prefix; and what ``network.prepare`` gives,
            arrays where it has a time axis.
        """
        constant, over_time = self._prepare_arrays(conditions)
        previous, state = self.network.start(len(prefix))
        steps = max(CODES_PER_PASS // len(prefix), 1)
        for start in range(0, prefix.shape[1], steps):
            some = slice(start, min(start + steps, prefix.shape[1]))
            codes, *present = [ops.convert_to_tensor(x[:, some]) for x in (prefix, *over_time)]
            state = self._absorb(codes, previous, state, constant, present)
            previous = codes[:, -1]
        return (previous, state), constant, over_time

    def chunks(
        self, codes: np.ndarray, conditions: Sequence[Any], steps: int
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        """Cut codes, and what of the conditions has a time axis, into chunks of one length.

        Args:
            codes: int32 ``(batch, time)``.
            conditions: The model's conditions, as tensors.
            steps: Codes per chunk.

        Yields:
            The last three arguments of ``network.advance`` but for the memory; behind the end
            the codes are -1.
        """
        constant, over_time = self._prepare_arrays(conditions)
        for start in range(0, codes.shape[1], steps):
            some = slice(start, min(start + steps, codes.shape[1]))
            chunk = ops.convert_to_tensor(_padded(codes[:, some], steps, -1))
            present = [ops.convert_to_tensor(_padded(x[:, some], steps)) for x in over_time]
            yield chunk, constant, present

    def run(
        self,
        previous,
        state: Sequence[Any],
        constant: Sequence[Any],
        temperature,
        truncation: tuple[Any, ...],
        codes,
        known,
        noise,
        *over_time,
    ):
        """Draw a chunk, inside a graph.

        Args:
            previous: int32 ``(batch,)``: the code before the chunk; -1 at the beginning.
            state: Memory of the network.
            constant: From ``network.prepare``.
            temperature: Positive scalar.
            truncation: As in ``likelihood.sample``.
            codes: int32 ``(batch, steps)``, which stay where ``known``.
            known: bool ``(batch, steps)``.
            noise: float32 ``(batch, steps, likelihood.noise_size)``.
            *over_time: Chunks of what ``network.prepare`` gives with a time axis.

        Returns:
            The last code, the memory after the chunk, and int32 codes ``(batch, steps)``.
        """

        def draw(carry, given):
            previous, state = carry
            code, known, noise, *present = given
            parameters, state = self.network.step(
                previous, state, constant, [x[:, None] for x in present]
            )
            drawn = draw_unknown(
                self._likelihood,
                temperature,
                truncation,
                parameters,
                noise,
                known[:, None],
                code[:, None],
                0,
            )[:, 0]
            return (drawn, state), [drawn]

        given = [_time_first(x) for x in (codes, known, noise, *over_time)]
        steps = ops.shape(given[0])[0]
        (previous, state), (drawn,) = scan(draw, (previous, state), given, steps, ["int32"])
        return previous, state, ops.transpose(drawn)

    def parameters_along(self, codes, *conditions):
        """Return the parameters ``(batch, time, number)`` of given codes, step by step.

        Args:
            codes: int32 ``(batch, time)``.
            *conditions: The model's conditions.
        """
        constant, over_time = self.network.prepare(*conditions)

        def visit(carry, given):
            previous, state = carry
            code, *present = given
            parameters, state = self.network.step(
                previous, state, constant, [x[:, None] for x in present]
            )
            return (code, state), [ops.cast(parameters, "float32")]

        size = ops.shape(codes)[1]
        given = [_time_first(x[:, :size]) for x in (codes, *over_time)]
        _, (parameters,) = scan(visit, self.start(ops.shape(codes)[0]), given, size, ["float32"])
        return ops.transpose(parameters, (1, 0, 2))

    def start(self, batch_size):
        """Return what stands before the first code, and the memory there."""
        return self.network.start(batch_size)

    def _prepare_arrays(self, conditions: Sequence[Any]) -> tuple[list[Any], list[np.ndarray]]:
        constant, over_time = self._prepare(*conditions)
        return constant, [ops.convert_to_numpy(values) for values in over_time]


def chunk_length(steps: int, most: int = MAX_CHUNK) -> int:
    """Return how many steps a compiled call does: a power of two, so that few are compiled."""
    return min(most, 1 << (steps - 1).bit_length())


def draw_code(
    network: Callable, likelihood: Likelihood, codes, known, noise, time, temperature, truncation
):
    """Draw the codes at ``time`` from a pass over the whole sequences, unless they are known.

    Args:
        network: Maps codes ``(batch, time)`` to parameters ``(batch, time, number)``.
        likelihood: What the parameters mean.
        codes: int32 ``(batch, time)``.
        known: bool ``(batch, time)``.
        noise: float32 ``(batch, time, likelihood.noise_size)``.
        time: Scalar integer.
        temperature: Positive scalar.
        truncation: As in ``likelihood.sample``.

    Returns:
        ``codes`` with the present ones filled in.
    """
    given = (network(codes), noise, known[..., None], codes[..., None])
    present = [ops.take(x, time, axis=1) for x in given]
    drawn = draw_unknown(likelihood, temperature, truncation, *present, 0)
    is_here = ops.equal(ops.arange(ops.shape(codes)[1]), time)
    return ops.where(is_here, drawn, codes)


def _time_first(values):
    return ops.transpose(values, (1, 0, *range(2, len(values.shape))))


def _padded(values: np.ndarray, steps: int, fill: int = 0) -> np.ndarray:
    """Extend a last chunk to full length: what is computed there is dropped."""
    widths = [(0, 0), (0, steps - values.shape[1]), *[(0, 0)] * (values.ndim - 2)]
    return np.pad(values, widths, constant_values=fill)
