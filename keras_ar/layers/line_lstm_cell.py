"""The cell of Row LSTM and Diagonal BiLSTM."""

import keras
from keras import ops

from keras_ar.layers.lstm_scan import lstm_step, neighbours

__all__ = ["LineLSTMCell"]


@keras.saving.register_keras_serializable("keras_ar")
class LineLSTMCell(keras.layers.Layer):
    """Update a whole line of pixels from the line before it.

    The state-to-state half of the LSTM: a convolution along the line of the last hidden states.
    It has no mask, because the line before it lies in the past. The input-to-state half is
    computed for all lines beforehand and comes in as ``inputs``, with the only bias.

    It is a Keras cell: ``keras.layers.RNN(cell, return_sequences=True)`` runs it. ``RowLSTM`` and
    ``DiagonalBiLSTM`` run the same equations with a faster gradient.

    Args:
        filters: Maps of the hidden state.
        reach: Pixels that the convolution reads, before and after the pixel on its line:
            ``(1, 1)`` for a row and a kernel of 3, ``(1, 0)`` for a diagonal, on which the pixel
            before is the one above.

    Shapes:
        Input: ``(batch, line, 4 * filters)``: contributions to input, forget and output gate and
            to the candidate; states: hidden state and memory, each ``(batch, line, filters)``.
        Output: ``(batch, line, filters)``, and the new states.

    Raises:
        ValueError: If the inputs do not have four maps for each filter.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.1, equation (3). Learned is the initial memory, the same at every pixel; the
        initial hidden state is its ``tanh``, as if the output gate stood open.
    """

    def __init__(self, filters: int, reach: tuple[int, int] = (1, 1), **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.reach = tuple(reach)
        self._line = None

    def build(self, input_shape):
        if input_shape[-1] != 4 * self.filters:
            raise ValueError(
                f"{self.name}: {self.filters} filters want {4 * self.filters} input maps, four "
                f"gates for each; got {input_shape[-1]}."
            )
        self._line = input_shape[-2]
        taps = sum(self.reach) + 1
        self.kernel = self.add_weight(
            name="kernel",
            shape=(taps, self.filters, 4 * self.filters),
            initializer="glorot_uniform",
        )
        self.initial_cell = self.add_weight(
            name="initial_cell", shape=(self.filters,), initializer="zeros"
        )
        self.built = True

    def call(self, inputs, states):
        hidden, cell = states
        window = neighbours(hidden, self.reach)
        hidden, cell = lstm_step(inputs + ops.matmul(window, self.matrix()), cell)
        return hidden, [hidden, cell]

    def matrix(self):
        """Return the kernel in compute dtype, ``(taps * filters, 4 * filters)``."""
        kernel = ops.cast(self.kernel, self.compute_dtype)
        return ops.reshape(kernel, (-1, 4 * self.filters))

    def memory(self):
        """Return the initial memory of a pixel in compute dtype, ``(filters,)``."""
        return ops.cast(self.initial_cell, self.compute_dtype)

    @property
    def state_size(self) -> list[tuple[int | None, int]]:
        """Shapes of the states of one example; the line is known once the cell is built."""
        return [(self._line, self.filters)] * 2

    def get_initial_state(self, batch_size):
        """Return hidden states and memories before the first line."""
        shape = (batch_size, self._line, self.filters)
        return [ops.broadcast_to(x, shape) for x in (ops.tanh(self.memory()), self.memory())]

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "reach": self.reach}
