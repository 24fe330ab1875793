"""The memory of a layer that looks back at finished rows and pixels."""

from keras import ops

__all__ = ["RowMemory", "rows_before"]


def rows_before(maps, row, count: int):
    """Cut the ``count`` rows above ``row`` out of whole maps; above the first are zeros.

    Args:
        maps: ``(batch, height, width, channels)``.
        row: Integer or scalar tensor.
        count: Rows wanted.
    """
    padded = ops.pad(maps, ((0, 0), (count, 0), (0, 0), (0, 0)))
    return ops.slice(padded, (0, row, 0, 0), (ops.shape(maps)[0], count, *maps.shape[2:]))


class RowMemory:
    """Remember the last rows of inputs and, inside a row, the last cells: zeros at first.

    The layer provides ``_rows_kept`` and ``_cells_kept``, the number of either. A layer that keeps
    no rows has an empty state.
    """

    _rows_kept = 0
    _cells_kept = 0

    def initial_state(self, batch_size, input_shape):
        """Return the rows above the first one: zeros."""
        if not self._rows_kept:
            return ()
        return ops.zeros((batch_size, self._rows_kept, *input_shape[2:]), self.compute_dtype)

    def leave_row(self, inputs, state):
        """Remember the finished row ``(batch, 1, width, channels)``."""
        if self._rows_kept < 2:
            return inputs if self._rows_kept else state
        return ops.concatenate([state[:, 1:], inputs], axis=1)

    def state_after(self, inputs, rows):
        """Return the state after the first ``rows`` rows of whole ``inputs``.

        Args:
            inputs: ``(batch, height, width, channels)``.
            rows: Integer or scalar tensor.
        """
        return rows_before(inputs, rows, self._rows_kept) if self._rows_kept else ()

    def initial_queue(self, batch_size, input_shape):
        """Return the cells to the left of the first one: zeros."""
        blank = ops.zeros((batch_size, 1, 1, input_shape[-1]), self.compute_dtype)
        return (blank,) * self._cells_kept
