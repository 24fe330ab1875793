"""char-rnn: stacks of LSTM or GRU layers over characters."""

import keras

from keras_ar.distributions import CategoricalLikelihood
from keras_ar.layers import PreviousCode, Recurrent
from keras_ar.models.sequence_model import SequenceModel

__all__ = ["CharRNN"]


@keras.saving.register_keras_serializable("keras_ar")
class CharRNN(SequenceModel):
    """Predict every character from all before it, which a stack of recurrent layers remembers.

    Train it on one long text in chunks that continue each other, see ``SequenceModel``: then the
    memory reaches further back than the gradients.

    Args:
        vocabulary_size: Number of characters.
        cell: ``"lstm"`` or ``"gru"``.
        num_layers: Recurrent layers, one on the other.
        units: Size of their hidden states.
        dropout: Fraction of a layer's outputs dropped in training; never on the way from step to
            step.
        name: Name of the model.

    Shapes:
        Input: codes ``(batch, time)``, integers ``0..vocabulary_size-1``, of any length.
        Output: ``(batch, time, vocabulary_size)`` logits, float32.

    Raises:
        ValueError: If the cell is unknown, or a number is not positive.

    Example:
        >>> model = CharRNN(65, units=16)
        >>> model.sample(2, length=100, verbose=False).shape
        (2, 100)

    Source:
        Karpathy (2015), "The Unreasonable Effectiveness of Recurrent Neural Networks", with the
        sizes of its program char-rnn; Graves (2013), "Generating Sequences With Recurrent Neural
        Networks", arXiv:1308.0850, whose layers also read the input and whose output reads all
        layers: here each reads the one below. Weights start as Keras has them, forget gates at
        a bias of 1 as in char-rnn.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        cell: str = "lstm",
        num_layers: int = 2,
        units: int = 128,
        dropout: float = 0.0,
        name: str | None = "char_rnn",
    ):
        if num_layers < 1:
            raise ValueError(f"num_layers must be positive; got {num_layers}.")
        likelihood = CategoricalLikelihood(1, vocabulary_size)
        codes = keras.Input((None,), dtype="int32", name="codes")
        hidden = PreviousCode(vocabulary_size, name="previous_code")(codes)
        for layer in range(num_layers):
            hidden = Recurrent(units, cell, name=f"recurrent_{layer}")(hidden)
            if dropout:
                hidden = keras.layers.Dropout(dropout, name=f"dropout_{layer}")(hidden)
        outputs = keras.layers.Dense(vocabulary_size, dtype="float32", name="outputs")(hidden)
        config = {
            "vocabulary_size": vocabulary_size,
            "cell": cell,
            "num_layers": num_layers,
            "units": units,
            "dropout": dropout,
        }
        super().__init__(codes, outputs, likelihood=likelihood, config=config, name=name)
