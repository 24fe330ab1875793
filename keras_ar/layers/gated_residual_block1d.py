"""The residual block of WaveNet."""

import keras
from keras import ops

from keras_ar.layers.causal_dilated_conv1d import CausalDilatedConv1D

__all__ = ["GatedResidualBlock1D"]


@keras.saving.register_keras_serializable("keras_ar")
class GatedResidualBlock1D(keras.layers.Layer):
    """Gate a dilated convolution, and add a projection of it to the input.

    ``z = tanh(W_f * x + V_f h) . sigmoid(W_g * x + V_g h)``; the block returns ``x + W_r z`` for
    the next block, and ``z``, which the model projects for the sum of all skip connections.

    Args:
        gate_filters: Channels of ``z``.
        kernel_size: Width of the dilated convolution.
        dilation: Steps between two of its inputs.
        dropout: Fraction of the convolution's inputs that are dropped in training.
        has_residual: False for the last block of a stack, whose first output nobody reads; it is
            the input then.

    Shapes:
        Input: ``(batch, time, channels)``; ``condition`` ``None`` or ``(batch, 1, features)``,
            the same at all times; ``features`` ``None`` or ``(batch, time, features)``. Both
            enter both halves of the gate by projections.
        Output: A pair ``(batch, time, channels)``, ``(batch, time, gate_filters)``.

    Raises:
        ValueError: If a number is not positive.

    Source:
        van den Oord et al. (2016), "WaveNet", arXiv:1609.03499, sections 2.3 to 2.5.
    """

    is_composite = True

    def __init__(
        self,
        gate_filters: int,
        kernel_size: int = 2,
        *,
        dilation: int = 1,
        dropout: float = 0.0,
        has_residual: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.gate_filters = gate_filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.dropout = dropout
        self.has_residual = has_residual
        options = {"dtype": self.dtype_policy}
        self.drop = keras.layers.Dropout(dropout, **options)
        self.conv = CausalDilatedConv1D(
            2 * gate_filters, kernel_size, dilation=dilation, name="conv", **options
        )

    def build(self, inputs_shape, condition_shape=None, features_shape=None):
        self.drop.build(inputs_shape)
        self.conv.build(inputs_shape)
        if self.has_residual:
            self.residual = self._dense(inputs_shape[-1], "residual")
            self.residual.build((*inputs_shape[:-1], self.gate_filters))
        if condition_shape is not None:
            self.condition = self._dense(2 * self.gate_filters, "condition", use_bias=False)
            self.condition.build(condition_shape)
        if features_shape is not None:
            self.features = self._dense(2 * self.gate_filters, "features", use_bias=False)
            self.features.build(features_shape)
        self.built = True

    def call(self, inputs, condition=None, features=None):
        gates = self.conv(self.drop(inputs) if self.dropout else inputs)
        if condition is not None:
            gates = gates + self.condition(condition)
        if features is not None:
            gates = gates + self.features(features)
        values, gate = ops.split(gates, 2, axis=-1)
        gated = ops.tanh(values) * ops.sigmoid(gate)
        return (inputs + self.residual(gated) if self.has_residual else inputs), gated

    def compute_output_shape(self, inputs_shape, condition_shape=None, features_shape=None):
        return tuple(inputs_shape), (*inputs_shape[:-1], self.gate_filters)

    def _dense(self, units: int, name: str, **options) -> keras.layers.Dense:
        return keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **options)

    def get_config(self):
        return super().get_config() | {
            "gate_filters": self.gate_filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "dropout": self.dropout,
            "has_residual": self.has_residual,
        }
