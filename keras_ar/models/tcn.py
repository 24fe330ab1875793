"""Temporal convolutional network: dilated causal convolutions over characters, without gates."""

import keras
from keras import ops

from keras_ar.distributions import CategoricalLikelihood
from keras_ar.layers import CausalDilatedConv1D, PreviousCode
from keras_ar.models.sequence_model import SequenceModel

__all__ = ["TemporalConvNet"]

_CONVS_PER_BLOCK = 2


@keras.saving.register_keras_serializable("keras_ar")
class TemporalConvNet(SequenceModel):
    """Predict every character from a window before it, through masked temporal convolutions.

    The other branch of sequence models beside ``CharRNN``: all steps of a sequence are computed
    at once in training, and what is seen ends where the receptive field ends. The dilation
    doubles from block to block.

    Args:
        vocabulary_size: Number of characters.
        num_blocks: Residual blocks of two convolutions; the last dilation is ``2 ** (num_blocks
            - 1)``.
        kernel_size: Width of the convolutions.
        filters: Channels of all of them.
        dropout: Fraction of a convolution's outputs dropped in training.
        name: Name of the model.

    Shapes:
        Input: codes ``(batch, time)``, integers ``0..vocabulary_size-1``, of any length.
        Output: ``(batch, time, vocabulary_size)`` logits, float32.

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> model = TemporalConvNet(65, num_blocks=4, filters=16)
        >>> model.receptive_field
        61
        >>> model.sample(2, length=100, verbose=False).shape
        (2, 100)

    Source:
        Bai, Kolter and Koltun (2018), "An Empirical Evaluation of Generic Convolutional and
        Recurrent Networks for Sequence Modeling", arXiv:1803.01271, section 3. Without weight
        normalisation; dropout falls on single values, as in the authors' program, where the
        paper drops whole channels; the embedding and the output layer do not share weights.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        num_blocks: int = 6,
        kernel_size: int = 3,
        filters: int = 128,
        dropout: float = 0.0,
        name: str | None = "temporal_conv_net",
    ):
        for argument, number in {"num_blocks": num_blocks, "filters": filters}.items():
            if number < 1:
                raise ValueError(f"{argument} must be positive; got {number}.")
        likelihood = CategoricalLikelihood(1, vocabulary_size)
        codes = keras.Input((None,), dtype="int32", name="codes")
        previous = PreviousCode(vocabulary_size, name="previous_code")(codes)
        hidden = keras.layers.Dense(filters, use_bias=False, name="embedding")(previous)
        for block in range(num_blocks):
            branch = hidden
            for number in range(_CONVS_PER_BLOCK):
                branch = CausalDilatedConv1D(
                    filters,
                    kernel_size,
                    dilation=2**block,
                    activation="relu",
                    kernel_initializer="he_normal",
                    name=f"conv_{block}_{number}",
                )(branch)
                if dropout:
                    branch = keras.layers.Dropout(dropout)(branch)
            hidden = ops.relu(hidden + branch)
        outputs = keras.layers.Dense(vocabulary_size, dtype="float32", name="outputs")(hidden)
        config = {
            "vocabulary_size": vocabulary_size,
            "num_blocks": num_blocks,
            "kernel_size": kernel_size,
            "filters": filters,
            "dropout": dropout,
        }
        super().__init__(codes, outputs, likelihood=likelihood, config=config, name=name)

    @property
    def receptive_field(self) -> int:
        """Number of codes before a code on which its distribution depends."""
        reach = _CONVS_PER_BLOCK * (2 ** self._config["num_blocks"] - 1)
        return 1 + (self._config["kernel_size"] - 1) * reach
