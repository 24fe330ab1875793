"""The recurrence that Row LSTM and Diagonal BiLSTM share: an LSTM that moves a line of cells."""

import functools
from collections.abc import Callable

from keras import ops

from keras_ar.loop import compile_once, scan

__all__ = ["hold_gates", "lstm_scan", "lstm_step", "neighbours"]


def neighbours(hidden, reach: tuple[int, int]):
    """Join the maps of each cell of a line with those of its neighbours; zeros beyond the ends.

    Args:
        hidden: ``(..., line, filters)``.
        reach: Neighbours before and after the cell.

    Returns:
        ``(..., line, (before + 1 + after) * filters)``, from the first neighbour to the last.
    """
    line, taps = hidden.shape[-2], sum(reach) + 1
    outer = ((0, 0),) * (len(hidden.shape) - 2)
    padded = ops.pad(hidden, (*outer, reach, (0, 0)))
    return ops.concatenate([padded[..., tap : tap + line, :] for tap in range(taps)], axis=-1)


def _neighbours_gradient(gradient, reach: tuple[int, int]):
    """Carry the gradient of ``neighbours`` back to the cells."""
    line, taps = gradient.shape[-2], sum(reach) + 1
    outer = ((0, 0),) * (len(gradient.shape) - 2)
    parts = [
        ops.pad(part, (*outer, (tap, taps - 1 - tap), (0, 0)))
        for tap, part in enumerate(ops.split(gradient, taps, axis=-1))
    ]
    return functools.reduce(ops.add, parts)[..., reach[0] : reach[0] + line, :]


def _activate(gates):
    """Split ``(..., 4 * filters)`` into the three open gates and the candidate."""
    filters = gates.shape[-1] // 4
    return ops.sigmoid(gates[..., : 3 * filters]), ops.tanh(gates[..., 3 * filters :])


def _advance(opened, candidate, cell):
    enter, keep, emit = ops.split(opened, 3, axis=-1)
    cell = keep * cell + enter * candidate
    return emit * ops.tanh(cell), cell


def lstm_step(gates, cell):
    """Compute the LSTM equations of the paper, (3), from the sum of both contributions.

    Args:
        gates: ``(..., 4 * filters)``: input, forget and output gate, then the candidate.
        cell: ``(..., filters)``, the memory so far.

    Returns:
        Hidden state and memory.
    """
    return _advance(*_activate(gates), cell)


def hold_gates(filters: int, dtype):
    """Return gates ``(4 * filters,)`` under which a cell keeps its memory and shows it.

    They fill the corners that skewing adds to a map, so that the initial state waits there
    unchanged until its row begins. No gradient passes them.
    """
    far = 1e4 * ops.ones((filters,), dtype)
    return ops.concatenate([-far, far, far, 0.0 * far])


def _product(vectors, matrix):
    """Multiply ``(batch, line, n)`` by a matrix, as a product of two matrices."""
    flat = ops.reshape(vectors, (-1, vectors.shape[-1]))
    return ops.reshape(ops.matmul(flat, matrix), (-1, vectors.shape[-2], matrix.shape[-1]))


def lstm_scan(gates, kernel, initial_cell, reach: tuple[int, int]):
    """Move lines of LSTM cells through time, all cells of a line at once.

    The gradient is written out: kept are the activated gates and the states, and the backward
    pass is one loop as well. Automatic differentiation of a loop stores every intermediate
    result, which takes up to six times as long.

    Args:
        gates: Input-to-state contributions, bias included, ``(time, batch, line,
            4 * filters)``.
        kernel: State-to-state convolution along the line, ``(taps * filters, 4 * filters)``.
        initial_cell: Memory before the first step, ``(filters,)``; the hidden state before it
            is its ``tanh``.
        reach: Neighbours that the convolution reads, before and after the cell.

    Returns:
        Hidden states ``(time, batch, line, filters)``.
    """
    return _differentiable_scan(reach)(gates, kernel, initial_cell)


def lstm_states(gates, kernel, initial_cell, reach: tuple[int, int]):
    """Return hidden states and memories; takes the arguments of ``lstm_scan``."""
    hiddens, cells, *_ = _forward(gates, kernel, initial_cell, reach)
    return hiddens, cells


@functools.cache
def _differentiable_scan(reach: tuple[int, int]) -> Callable:
    @ops.custom_gradient
    def run(gates, kernel, initial_cell):
        hiddens, *others = _forward(gates, kernel, initial_cell, reach)

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            return _backward(upstream, kernel, initial_cell, (hiddens, *others), reach)

        return hiddens, gradient

    return compile_once(run)


def _start(initial_cell, shape):
    cell = ops.broadcast_to(initial_cell, shape)
    return ops.tanh(cell), cell


def _forward(gates, kernel, initial_cell, reach):
    """Return hidden states, memories, the three activated gates and the candidates."""
    length, dtype, filters = gates.shape[0], gates.dtype, kernel.shape[-1] // 4
    shape = (*ops.shape(gates)[1:-1], filters)

    def step(carry, slices):
        hidden, cell = carry
        total = slices[0] + _product(neighbours(hidden, reach), kernel)
        opened, candidate = _activate(total)
        hidden, cell = _advance(opened, candidate, cell)
        return (hidden, cell), [hidden, cell, opened, candidate]

    start = _start(initial_cell, shape)
    _, outputs = scan(step, start, [gates], length, [dtype] * 4)
    # TensorFlow lost the shapes.
    return [
        ops.reshape(x, (length, *shape[:-1], number * filters))
        for x, number in zip(outputs, (1, 1, 3, 1), strict=True)
    ]


def _backward(upstream, kernel, initial_cell, saved, reach):
    hiddens, cells, opened, candidates = saved
    dtype = cells.dtype
    hidden, cell = _start(initial_cell, ops.shape(cells)[1:])
    transposed = ops.transpose(kernel)
    slices = [
        upstream,
        ops.concatenate([hidden[None], hiddens[:-1]]),
        ops.concatenate([cell[None], cells[:-1]]),
        cells,
        opened,
        candidates,
    ]

    def step(carry, slices):
        to_hidden, to_cell, to_kernel = carry
        upstream, hidden_before, cell_before, cell, opened, candidate = slices
        enter, keep, emit = ops.split(opened, 3, axis=-1)
        shown = ops.tanh(cell)
        to_hidden = to_hidden + upstream
        to_cell = to_cell + to_hidden * emit * (1.0 - shown * shown)
        to_opened = ops.concatenate(
            [to_cell * candidate, to_cell * cell_before, to_hidden * shown], axis=-1
        )
        to_gates = ops.concatenate(
            [
                to_opened * opened * (1.0 - opened),
                to_cell * enter * (1.0 - candidate * candidate),
            ],
            axis=-1,
        )
        to_kernel = to_kernel + _outer(neighbours(hidden_before, reach), to_gates)
        to_hidden = _neighbours_gradient(_product(to_gates, transposed), reach)
        return (to_hidden, to_cell * keep, to_kernel), [to_gates]

    zeros = ops.zeros_like(cell)
    carry = (zeros, zeros, ops.zeros(kernel.shape, "float32"))
    (to_hidden, to_cell, to_kernel), (to_gates,) = scan(
        step, carry, slices, cells.shape[0], [dtype], reverse=True
    )
    to_cell = to_cell + to_hidden * (1.0 - hidden * hidden)
    to_initial = ops.sum(ops.cast(to_cell, "float32"), axis=(0, 1))
    return to_gates, ops.cast(to_kernel, dtype), ops.cast(to_initial, dtype)


def _outer(vectors, gradients):
    """Return the gradient of the matrix of ``_product``, float32."""
    flat = [ops.reshape(x, (-1, x.shape[-1])) for x in (vectors, gradients)]
    return ops.cast(ops.matmul(ops.transpose(flat[0]), flat[1]), "float32")
