"""LSTM and GRU over a sequence, in one pass or step by step."""

import keras
from keras import ops

__all__ = ["Recurrent"]

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@keras.saving.register_keras_serializable("keras_ar")
class Recurrent(keras.layers.Layer):
    """Run a layer of LSTM or GRU cells along a sequence.

    Keras' own layer does the work, on a GPU by cuDNN; this one names its memory, so that it can
    be taken up where it was left: by the next chunk of a long sequence, or by the next step.

    Args:
        units: Size of the hidden state.
        cell: ``"lstm"``, whose forget gates start with a bias of 1, or ``"gru"``, whose reset
            gate applies behind the product with the recurrent kernel (``reset_after``), as cuDNN
            and Keras have it and Cho et al. do not.

    Shapes:
        Input: ``(batch, time, channels)``, float.
        Output: ``(batch, time, units)``, compute dtype.

    Raises:
        ValueError: If the cell is unknown, or there are no units.

    Source:
        Hochreiter and Schmidhuber (1997), "Long Short-Term Memory", with the forget gates of
        Gers et al. (2000); Cho et al. (2014), arXiv:1406.1078.
    """

    def __init__(self, units: int, cell: str = "lstm", **kwargs):
        super().__init__(**kwargs)
        if cell not in _CELLS:
            raise ValueError(f"cell must be one of {sorted(_CELLS)}; got {cell!r}.")
        if units < 1:
            raise ValueError(f"units must be positive; got {units}.")
        self.units = units
        self.cell = cell
        options = {"return_sequences": True, "return_state": True, "dtype": self.dtype_policy}
        self.recurrence = _CELLS[cell](units, name=cell, **options)

    def build(self, input_shape):
        self.recurrence.build(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: input_shape[-1]})
        self.built = True

    def call(self, inputs):
        return self.recurrence(inputs)[0]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    # Step by step: the state is a list, of hidden state and memory, or of the hidden state. -----

    def initial_state(self, batch_size, input_shape):
        """Return the state before the first step: zeros, ``(batch, units)`` each."""
        return [ops.zeros((batch_size, self.units), self.compute_dtype) for _ in self._sizes()]

    def step(self, inputs, state):
        """Return the outputs ``(batch, 1, units)`` of the next step, and the state after it."""
        outputs, state = self.recurrence.cell(inputs[:, 0], state)
        return outputs[:, None], list(state)

    def advance(self, inputs, state):
        """Do any number of steps in one pass: ``(batch, time, channels)``."""
        outputs, *state = self.recurrence(inputs, initial_state=state)
        return outputs, state

    def _sizes(self) -> list[int]:
        return self.recurrence.state_size if self.cell == "lstm" else [self.units]

    def get_config(self):
        return super().get_config() | {"units": self.units, "cell": self.cell}
