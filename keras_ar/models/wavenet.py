"""WaveNet: dilated causal convolutions over raw audio."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from keras_ar.distributions import CategoricalLikelihood, LogisticMixtureLikelihood
from keras_ar.layers import (
    CausalDilatedConv1D,
    CutToLength,
    GatedResidualBlock1D,
    PreviousCode,
    UpsampleFrames,
)
from keras_ar.models.sequence_model import SequenceModel

__all__ = ["WaveNet"]


@keras.saving.register_keras_serializable("keras_ar")
class WaveNet(SequenceModel):
    """Predict every sample of a waveform from thousands before it, through dilated convolutions.

    The dilation doubles from layer to layer and starts again in every stack, so the receptive
    field grows exponentially with depth. Every layer adds to what the next one reads (residual)
    and to the sum that the head reads (skip).

    Args:
        vocabulary_size: Number of codes: 256 for mu-law codes, 65,536 for 16-bit audio.
        num_stacks: Times that the dilations 1, 2, 4, ... are gone through.
        layers_per_stack: Dilations in a stack; the last one is ``2 ** (layers_per_stack - 1)``.
        kernel_size: Width of the dilated convolutions.
        filters: Residual channels.
        gate_filters: Channels of the gates; as many as ``filters`` if ``None``.
        skip_filters: Channels of the head.
        num_mixtures: Components of a mixture of logistics; ``None`` for a softmax over the codes.
        num_classes: Global condition: number of classes, or a tuple of numbers for several kinds
            of class such as ``(10, 6)`` for digit and speaker.
        condition_shape: Global condition, instead: ``(features,)`` of an embedding.
        num_features: Local condition: features per frame.
        upsampling: Factors of the transposed convolutions that bring frames to the rate of the
            samples; their product is the number of samples per frame.
        dropout: Fraction of a layer's inputs dropped in training.
        name: Name of the model.

    Shapes:
        Input: codes ``(batch, time)``, integers ``0..vocabulary_size-1``, of any length. Then
            class ids ``(batch,)`` or ``(batch, kinds)``, or an embedding ``(batch, features)``;
            then features ``(batch, ceil(time / hop), num_features)``.
        Output: ``(batch, time, vocabulary_size)`` logits, or ``(batch, time, 3 * num_mixtures)``
            mixture parameters, float32.

    Raises:
        ValueError: If a number is not positive, or both kinds of global condition are given.

    Example:
        >>> model = WaveNet(num_stacks=1, layers_per_stack=4, num_classes=10)
        >>> model.receptive_field
        17
        >>> model.sample(2, length=100, condition=[3, 7], verbose=False).shape
        (2, 100)

    Source:
        van den Oord et al. (2016), "WaveNet", arXiv:1609.03499. Mixture of logistics: van den
        Oord et al. (2017), "Parallel WaveNet", arXiv:1711.10433, section 3. The skip convolutions
        of all layers are one product with the gates side by side, which is the sum of them.
        The paper gives no widths; the defaults are those of its best-known implementations.
    """

    def __init__(
        self,
        vocabulary_size: int = 256,
        *,
        num_stacks: int = 3,
        layers_per_stack: int = 10,
        kernel_size: int = 2,
        filters: int = 64,
        gate_filters: int | None = None,
        skip_filters: int = 256,
        num_mixtures: int | None = None,
        num_classes: int | tuple[int, ...] | None = None,
        condition_shape: tuple[int] | None = None,
        num_features: int | None = None,
        upsampling: Sequence[int] = (),
        dropout: float = 0.0,
        name: str | None = "wavenet",
    ):
        numbers = {
            "num_stacks": num_stacks,
            "layers_per_stack": layers_per_stack,
            "filters": filters,
            "skip_filters": skip_filters,
        }
        for argument, number in numbers.items():
            if number < 1:
                raise ValueError(f"{argument} must be positive; got {number}.")
        if (num_features is None) != (not upsampling):
            raise ValueError(
                "A local condition needs both num_features and upsampling; got "
                f"num_features={num_features}, upsampling={tuple(upsampling)}."
            )
        if num_classes is not None and not isinstance(num_classes, int):
            num_classes = tuple(num_classes)  # a list, when it comes from a file
        codes = keras.Input((None,), dtype="int32", name="codes")
        encoding = "one_hot" if num_mixtures is None else "scaled"
        previous = PreviousCode(vocabulary_size, encoding, name="previous_code")(codes)
        given, condition = _global_condition(num_classes, condition_shape)
        frames, features = _local_condition(num_features, upsampling, previous)
        conditions = [x for x in (given, frames) if x is not None]

        hidden = CausalDilatedConv1D(filters, kernel_size, name="causal")(previous)
        gates = []
        for stack in range(num_stacks):
            for layer in range(layers_per_stack):
                block = GatedResidualBlock1D(
                    gate_filters or filters,
                    kernel_size,
                    dilation=2**layer,
                    dropout=dropout,
                    has_residual=(stack, layer) != (num_stacks - 1, layers_per_stack - 1),
                    name=f"block_{stack}_{layer}",
                )
                hidden, gate = block(hidden, condition, features)
                gates.append(gate)
        gates = gates[0] if len(gates) == 1 else keras.layers.Concatenate(name="gates")(gates)
        skips = ops.relu(keras.layers.Dense(skip_filters, name="skip")(gates))
        head = ops.relu(keras.layers.Dense(skip_filters, name="head")(skips))
        likelihood = (
            CategoricalLikelihood(1, vocabulary_size)
            if num_mixtures is None
            else LogisticMixtureLikelihood(1, vocabulary_size, num_mixtures, min_log_scale=-14.0)
        )
        outputs = keras.layers.Dense(likelihood.num_parameters, dtype="float32", name="outputs")(
            head
        )
        config = {
            "vocabulary_size": vocabulary_size,
            **numbers,
            "kernel_size": kernel_size,
            "gate_filters": gate_filters,
            "num_mixtures": num_mixtures,
            "num_classes": num_classes,
            "condition_shape": condition_shape,
            "num_features": num_features,
            "upsampling": tuple(upsampling),
            "dropout": dropout,
        }
        inputs = [codes, *conditions] if conditions else codes
        super().__init__(inputs, outputs, likelihood=likelihood, config=config, name=name)

    @property
    def hop(self) -> int | None:
        return math.prod(self._config["upsampling"]) if self._config["upsampling"] else None

    @property
    def receptive_field(self) -> int:
        """Number of codes before a code on which its distribution depends."""
        reach = self._config["num_stacks"] * (2 ** self._config["layers_per_stack"] - 1)
        return 1 + (self._config["kernel_size"] - 1) * (1 + reach)


def _global_condition(num_classes, condition_shape):
    """Create the input of what holds for a whole sequence, and its features ``(batch, 1, n)``."""
    if num_classes is not None and condition_shape is not None:
        raise ValueError("Give num_classes or condition_shape, not both.")
    if num_classes is None and condition_shape is None:
        return None, None
    if condition_shape is not None:
        values = keras.Input(tuple(condition_shape), name="condition")
        return values, values[:, None]
    if isinstance(num_classes, int):
        class_ids = keras.Input((), dtype="int32", name="condition")
        return class_ids, ops.one_hot(class_ids, num_classes)[:, None]
    class_ids = keras.Input((len(num_classes),), dtype="int32", name="condition")
    parts = [ops.one_hot(class_ids[:, kind], size) for kind, size in enumerate(num_classes)]
    return class_ids, ops.concatenate(parts, axis=-1)[:, None]


def _local_condition(num_features, upsampling, previous):
    """Create the input of a series of frames, and its features ``(batch, time, n)``."""
    if num_features is None:
        return None, None
    frames = keras.Input((None, num_features), name="features")
    at_rate = UpsampleFrames(upsampling, name="upsampling")(frames)
    return frames, CutToLength(name="cut")(at_rate, previous)
