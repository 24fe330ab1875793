"""Generate images with the incremental network: one compiled program per row."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import Likelihood
from keras_ar.loop import scan
from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.drawing import draw_unknown
from keras_ar.sampling.incremental import IncrementalNetwork, Row
from keras_ar.sampling.progress import CompilationNotice, progress_bar

__all__ = ["IncrementalSampler"]


class IncrementalSampler:
    """Draw images row by row, remembering what earlier rows and pixels computed.

    Python runs once per row: enough for a progress bar, a preview and Ctrl-C, and no slower than
    a loop over the rows inside the program (docs/performance.md).

    Args:
        inputs: Symbolic inputs of the model: images, then the condition if there is one.
        output: Symbolic parameters ``(batch, height, width, number)``.
        likelihood: What the parameters mean.
        variables: All variables of the model.
        fold: ``fold(layers, kernels)`` is a context in which the layers use the given kernels.
        jit_compile: Whether TensorFlow compiles the rows by XLA: longer to compile, and faster
            for small networks and batches.

    Raises:
        ValueError: If a layer cannot be run step by step, or the network is not causal.
    """

    def __init__(
        self,
        inputs: Sequence[keras.KerasTensor],
        output: keras.KerasTensor,
        likelihood: Likelihood,
        variables: Sequence[keras.Variable],
        fold: Callable,
        *,
        jit_compile: bool = False,
    ):
        self.network = IncrementalNetwork(inputs, output, likelihood.passes_per_pixel)
        self._likelihood = likelihood
        self._fold = fold
        self._prepare = compile_function(self.network.prepare, variables)
        self._states_after = compile_function(self._absorb_rows, variables)
        programs = {
            phase: compile_function(self._bind_phase(phase), variables, jit_compile=jit_compile)
            for phase in set(self.network.programs)
        }
        self._run_rows = [programs[first] for first in self.network.programs]
        self._notice = CompilationNotice("Compiling the sampler (once per batch size) ...")

    def generate(
        self,
        images: np.ndarray,
        known: np.ndarray,
        noise: np.ndarray,
        conditions: Sequence[Any],
        temperature: Any,
        truncation: tuple[Any, ...],
        *,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Fill in the unknown pixels of ``images`` in raster order.

        Known rows at the top are absorbed in one pass, and nothing runs after the last unknown
        pixel.

        Args:
            images: int32 ``(batch, height, width, channels)``; zero where unknown.
            known: bool ``(batch, height, width)``; where true, ``images`` is never changed.
            noise: float32 ``(batch, height, width, likelihood.noise_size)``.
            conditions: The model's condition, or nothing.
            temperature: Positive scalar tensor.
            truncation: As in ``likelihood.sample``.
            callback: Called as ``callback(row, images)`` after each row.
            verbose: Whether to report compilation, and progress once two seconds have passed.

        Returns:
            int32 images.
        """
        unknown_rows = np.flatnonzero(~known.all(axis=(0, 2)))
        if not len(unknown_rows):
            return images
        period = self.network.period
        first, last = unknown_rows[0] // period * period, unknown_rows[-1]
        self._notice.give((len(images), len(truncation)), is_shown=verbose)
        kernels, statics = self._prepare(*conditions)
        if first:
            start = (ops.convert_to_tensor(images), ops.convert_to_tensor(np.int32(first)))
            states = self._states_after(kernels, statics, *start)
        else:
            states = self.network.initial_states(len(images))
        images = images.copy()
        for row in progress_bar(range(first, last + 1), "row", is_shown=verbose):
            given = (np.int32(row), images[:, row], known[:, row], noise[:, row])
            given = [ops.convert_to_tensor(array) for array in given]
            run = self._run_rows[row % period]
            states, drawn = run(states, kernels, statics, temperature, truncation, *given)
            images[:, row] = ops.convert_to_numpy(drawn)[:, 0]
            if callback is not None:
                callback(row, images.copy())
        return images

    def initial_states(self, batch_size: int) -> list[Any]:
        """Return what the layers remember before the first row: what generation keeps in memory."""
        return self.network.initial_states(batch_size)

    def generate_graph(self, images, known, noise, conditions, temperature, truncation=()):
        """Do what ``generate`` does inside one graph, for export: all rows, no Python.

        Takes tensors of the shapes of ``generate`` and returns int32 images; ``batch`` may be
        unknown.
        """
        period = self.network.period
        kernels, statics = self.network.prepare(*conditions)
        height = images.shape[1]

        def by_rows(values):
            axes = (1, 0, *range(2, len(values.shape)))
            rows = ops.transpose(values, axes)
            return ops.reshape(rows, (height // period, period, *ops.shape(rows)[1:]))

        def run_rows(states, given):
            drawn = []
            for phase, run in enumerate(self._run_rows):
                row = [values[phase] for values in given]
                states, images = run(states, kernels, statics, temperature, truncation, *row)
                drawn.append(images)
            return states, [ops.concatenate(drawn, axis=1)]

        states = self.network.initial_states(ops.shape(images)[0])
        index = ops.reshape(ops.arange(height), (height // period, period))
        given = [index, *(by_rows(values) for values in (images, known, noise))]
        _, (drawn,) = scan(run_rows, states, given, height // period, ["int32"])
        drawn = ops.transpose(drawn, (1, 0, 2, 3, 4))
        return ops.reshape(drawn, (-1, *images.shape[1:]))

    def _bind_phase(self, phase: int) -> Callable:
        """Return the program of the rows ``phase``, ``phase + period``, ..."""

        def run_row(states, kernels, statics, temperature, truncation, *given):
            draw = functools.partial(draw_unknown, self._likelihood, temperature, truncation)
            with self._fold(self.network.folded_layers, kernels):
                return self.network.run_row(phase, states, statics, Row(*given), draw)

        return run_row

    def _absorb_rows(self, kernels, statics, images, rows):
        with self._fold(self.network.folded_layers, kernels):
            return self.network.states_after(images, rows, statics)
