"""The recurrence of Row LSTM."""

import keras
from keras import ops

from keras_ar.layers.line_lstm_cell import LineLSTMCell
from keras_ar.layers.lstm_scan import lstm_scan, lstm_states, lstm_step, neighbours

__all__ = ["RowRecurrence"]


@keras.saving.register_keras_serializable("keras_ar")
class RowRecurrence(keras.layers.Layer):
    """Run an LSTM from the first row of a map to the last, a whole row at a time.

    The hidden state of a pixel depends on its own input and on the row above it, around the
    pixel. Looking back, the context is a triangle.

    Args:
        filters: Maps of the hidden state.
        kernel_size: Width of the state-to-state convolution; odd.

    Shapes:
        Input: ``(batch, height, width, 4 * filters)``, contributions to the gates.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If ``kernel_size`` is even.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.1.
    """

    steps_within_row = True
    delay = None

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd; got {kernel_size}.")
        self.filters = filters
        self.kernel_size = kernel_size
        reach = (kernel_size // 2, kernel_size // 2)
        self.cell = LineLSTMCell(filters, reach, dtype=self.dtype_policy)

    def build(self, input_shape):
        self.cell.build((input_shape[0], input_shape[2] * input_shape[3]))
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: 4 * self.filters})
        self.built = True

    def call(self, inputs):
        hiddens = lstm_scan(*self._arguments(inputs))
        return ops.transpose(hiddens, (1, 0, 2, 3))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    # Step by step: the state is hidden state and memory of the row above, (batch, 1, width, n).

    def initial_state(self, batch_size, input_shape):
        """Return the row above the first one, which is learned."""
        shape = (batch_size, 1, input_shape[2], self.filters)
        memory = self.cell.memory()
        return tuple(ops.broadcast_to(x, shape) for x in (ops.tanh(memory), memory))

    def step(self, inputs, state):
        """Compute one whole row."""
        state = lstm_step(inputs + self._from_above(state[0]), state[1])
        return state[0], state

    def initial_queue(self, batch_size, input_shape):
        """Return nothing: no pixel reads its neighbour to the left."""
        return ()

    def enter_row(self, state):
        """Return what the row above contributes to the gates, and its memory."""
        hidden, cell = state
        ahead = ops.concatenate([self._from_above(hidden), cell], axis=-1)

        def step_pixel(inputs, ahead, queue):
            gates, cell = ahead[..., : -self.filters], ahead[..., -self.filters :]
            return lstm_step(inputs + gates, cell)[0], queue

        return ahead, step_pixel

    def leave_row(self, inputs, state):
        """Remember the finished row."""
        return self.step(inputs, state)[1]

    def state_after(self, inputs, rows):
        """Return the state after the first ``rows`` rows of whole ``inputs``."""
        batch_size = ops.shape(inputs)[0]
        first = self.initial_state(batch_size, inputs.shape)
        found = []
        for row, rest in zip(first, lstm_states(*self._arguments(inputs)), strict=True):
            maps = ops.concatenate([row, ops.transpose(rest, (1, 0, 2, 3))], axis=1)
            found.append(ops.slice(maps, (0, rows, 0, 0), (batch_size, 1, *row.shape[2:])))
        return tuple(found)

    def _from_above(self, hidden):
        return ops.matmul(neighbours(hidden, self.cell.reach), self.cell.matrix())

    def _arguments(self, inputs):
        gates = ops.transpose(inputs, (1, 0, 2, 3))
        return gates, self.cell.matrix(), self.cell.memory(), self.cell.reach

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "kernel_size": self.kernel_size}
