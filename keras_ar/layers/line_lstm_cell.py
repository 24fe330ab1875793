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

    It is a Keras cell, and Keras' cells know vectors only: a line comes and goes flattened, and
    ``keras.layers.RNN(cell, return_sequences=True)`` runs over maps ``(batch, lines, line * 4 *
    filters)``. ``RowLSTM`` and ``DiagonalBiLSTM`` run the same equations with a faster gradient.

    Args:
        filters: Maps of the hidden state.
        reach: Pixels that the convolution reads, before and after the pixel on its line:
            ``(1, 1)`` for a row and a kernel of 3, ``(1, 0)`` for a diagonal, on which the pixel
            before is the one above.

    Shapes:
        Input: ``(batch, line * 4 * filters)``: contributions to input, forget and output gate
            and to the candidate of each pixel; states: hidden state and memory, each ``(batch,
            line * filters)``.
        Output: ``(batch, line * filters)``, and the new states.

    Raises:
        ValueError: If the inputs are not four gates for each filter.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.1, equation (3). Learned is the initial memory, the same at every pixel; the
        initial hidden state is its ``tanh``, as if the output gate stood open.
    """

    def __init__(self, filters: int, reach: tuple[int, int] = (1, 1), **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.reach = tuple(reach)
        self._line = 0

    def build(self, input_shape):
        self._line, rest = divmod(input_shape[-1], 4 * self.filters)
        if rest:
            raise ValueError(
                f"{self.name}: {self.filters} filters want a multiple of {4 * self.filters} "
                f"inputs, four gates for each at every pixel; got {input_shape[-1]}."
            )
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
        gates = ops.reshape(inputs, (-1, self._line, 4 * self.filters))
        hidden, cell = (ops.reshape(x, (-1, self._line, self.filters)) for x in states)
        gates = gates + ops.matmul(neighbours(hidden, self.reach), self.matrix())
        states = [ops.reshape(x, (-1, self.output_size)) for x in lstm_step(gates, cell)]
        return states[0], states

    def matrix(self):
        """Return the kernel in compute dtype, ``(taps * filters, 4 * filters)``."""
        kernel = ops.cast(self.kernel, self.compute_dtype)
        return ops.reshape(kernel, (-1, 4 * self.filters))

    def memory(self):
        """Return the initial memory of a pixel in compute dtype, ``(filters,)``."""
        return ops.cast(self.initial_cell, self.compute_dtype)

    @property
    def output_size(self) -> int:
        """Hidden values of a line; known once the cell is built."""
        return self._line * self.filters

    @property
    def state_size(self) -> list[int]:
        """Sizes of hidden state and memory; known once the cell is built."""
        return [self.output_size] * 2

    def get_initial_state(self, batch_size=None):
        """Return hidden states and memories before the first line."""
        memory = ops.tile(self.memory(), self._line)
        return [
            ops.broadcast_to(x, (batch_size, self.output_size)) for x in (ops.tanh(memory), memory)
        ]

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "reach": self.reach}
