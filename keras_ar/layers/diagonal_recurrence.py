"""The recurrence of Diagonal BiLSTM, in one of its directions."""

import keras
from keras import ops

from keras_ar.layers.line_lstm_cell import LineLSTMCell
from keras_ar.layers.lstm_scan import hold_gates, lstm_scan, lstm_states, lstm_step
from keras_ar.layers.row_memory import rows_before
from keras_ar.layers.skew import skew, unskew

__all__ = ["DiagonalRecurrence"]


@keras.saving.register_keras_serializable("keras_ar")
class DiagonalRecurrence(keras.layers.Layer):
    """Run an LSTM from an upper corner of a map to the opposite one, a diagonal at a time.

    The state of a pixel depends on its own input, on the pixel above it and on the pixel before
    it in its row: the left one on the way to the right, the right one on the way to the left.
    On the way to the left it so reads the end of its own row. Only behind a ``Shift2D("down")``
    is that in the past.

    Args:
        filters: Maps of the hidden state.
        direction: ``"right"`` or ``"left"``: where it goes.

    Shapes:
        Input: ``(batch, height, width, 4 * filters)``, contributions to the gates.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If ``direction`` is unknown.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.2. The hidden state above the first row is zero; the state before the first
        pixel of a row is learned.
    """

    delay = None

    def __init__(self, filters: int, direction: str = "right", **kwargs):
        super().__init__(**kwargs)
        if direction not in ("right", "left"):
            raise ValueError(f'direction must be "right" or "left"; got {direction!r}.')
        self.filters = filters
        self.direction = direction
        # On a diagonal the pixel before is the one above.
        self.cell = LineLSTMCell(filters, (1, 0), dtype=self.dtype_policy)

    def build(self, input_shape):
        batch_size, height, _, channels = input_shape
        self.cell.build((batch_size, height * channels))
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: 4 * self.filters})
        self.built = True

    def call(self, inputs):
        corners = hold_gates(self.filters, self.compute_dtype)
        skewed = skew(self._turn(inputs), corners)
        # Columns first: they are the steps.
        gates = ops.transpose(skewed, (2, 0, 1, 3))
        hiddens = lstm_scan(gates, self.cell.matrix(), self.cell.memory(), (1, 0))
        return self._turn(unskew(ops.transpose(hiddens, (1, 2, 0, 3))))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    # Step by step: the state is the hidden row above, (batch, 1, width, filters); within a row,
    # the queue holds hidden state and memory of the pixel to the left.

    @property
    def steps_within_row(self) -> bool:
        """Whether it needs no pixel to the right."""
        return self.direction == "right"

    def initial_state(self, batch_size, input_shape):
        """Return the row above the first one: zeros."""
        return ops.zeros((batch_size, 1, input_shape[2], self.filters), self.compute_dtype)

    def step(self, inputs, state):
        """Compute one whole row, pixel after pixel."""
        above, beside = self._taps()
        gates = self._turn(inputs + ops.matmul(state, above))
        # Columns first; a line of one pixel has no neighbours.
        columns = ops.transpose(gates, (2, 0, 1, 3))
        hiddens, _ = lstm_states(columns, beside, self.cell.memory(), (0, 0))
        row = self._turn(ops.transpose(hiddens, (1, 2, 0, 3)))
        return row, row

    def initial_queue(self, batch_size, input_shape):
        """Return the state before the first pixel, which is learned."""
        memory, shape = self.cell.memory(), (batch_size, 1, 1, self.filters)
        return tuple(ops.broadcast_to(x, shape) for x in (ops.tanh(memory), memory))

    def enter_row(self, state):
        """Return what the row above contributes to the gates, and the pixel step."""
        above, beside = self._taps()

        def step_pixel(inputs, ahead, queue):
            hidden, cell = queue
            queue = lstm_step(inputs + ahead + ops.matmul(hidden, beside), cell)
            return queue[0], queue

        return ops.matmul(state, above), step_pixel

    def leave_row(self, inputs, state):
        """Remember the finished row."""
        return self.step(inputs, state)[1]

    def state_after(self, inputs, rows):
        """Return the state after the first ``rows`` rows of whole ``inputs``."""
        return rows_before(self.call(inputs), rows, 1)

    def _turn(self, maps):
        """Mirror maps if the way goes to the left."""
        return ops.flip(maps, axis=2) if self.direction == "left" else maps

    def _taps(self):
        """Return the taps on the pixel above and on the one beside."""
        matrix = self.cell.matrix()
        return matrix[: self.filters], matrix[self.filters :]

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "direction": self.direction}
