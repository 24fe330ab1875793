"""The gated residual block of PixelCNN++."""

import keras
from keras import ops

from keras_ar.layers.shifted_conv2d import ShiftedConv2D

__all__ = ["GatedResidualBlock", "concat_elu"]


def concat_elu(inputs):
    """Apply ELU to ``inputs`` and to ``-inputs``, concatenated on the last axis."""
    return ops.elu(ops.concatenate([inputs, -inputs], axis=-1))


@keras.saving.register_keras_serializable("keras_ar")
class GatedResidualBlock(keras.layers.Layer):
    """Refine a feature map by a gated residual of two shifted convolutions.

    ``outputs = inputs + a * sigmoid(b)``: two weight-normalised convolutions with concatenated
    ELU in front and dropout between them. An auxiliary map (a short-cut, or the other stack)
    enters after the first convolution through a 1x1 convolution; a condition vector enters
    after the second one, without weight normalisation.

    Args:
        kernel_size: ``(height, width)`` of both convolutions.
        reach: ``"down"`` (vertical stack) or ``"down_right"``.
        dropout: Fraction dropped between the convolutions in training.

    Shapes:
        Input: ``inputs`` ``(batch, height, width, filters)``; ``auxiliary`` ``(batch, height,
            width, any)`` or ``None``; ``condition`` ``(batch, features)`` or ``None``.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If ``dropout`` is outside [0, 1) or ``reach`` unknown.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, section 2.5, and the authors'
        code (``gated_resnet``).
    """

    is_composite = True

    def __init__(
        self,
        kernel_size: tuple[int, int],
        reach: str = "down_right",
        dropout: float = 0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_size = tuple(kernel_size)
        self.reach = reach
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout must lie in [0, 1); got {dropout}.")
        self.dropout = dropout
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, inputs_shape, auxiliary_shape=None, condition_shape=None):
        filters = inputs_shape[-1]
        options = {"weight_norm": True, "dtype": self.dtype_policy}
        doubled = (*inputs_shape[:-1], 2 * filters)
        self.first = ShiftedConv2D(filters, self.kernel_size, self.reach, **options)
        self.first.build(doubled)
        if auxiliary_shape is not None:
            self.merge = ShiftedConv2D(filters, (1, 1), **options)
            self.merge.build((*auxiliary_shape[:-1], 2 * auxiliary_shape[-1]))
        # A tenth of unit variance: the block starts close to the identity.
        self.second = ShiftedConv2D(
            2 * filters, self.kernel_size, self.reach, init_scale=0.1, **options
        )
        self.second.build(doubled)
        if condition_shape is not None:
            self.condition_projection = keras.layers.Dense(
                2 * filters,
                use_bias=False,
                kernel_initializer=keras.initializers.RandomNormal(0, 0.05),
                dtype=self.dtype_policy,
            )
            self.condition_projection.build(condition_shape)
        self.built = True

    def call(self, inputs, auxiliary=None, condition=None, training=None):
        hidden = self._convolve_activated(self.first, inputs, training)
        if auxiliary is not None:
            hidden = hidden + self._convolve_activated(self.merge, auxiliary, training)
        hidden = self._convolve_activated(self.second, hidden, training, self.dropout)
        if condition is not None:
            hidden = hidden + self.condition_projection(condition)[:, None, None, :]
        values, gate = ops.split(hidden, 2, axis=-1)
        return inputs + values * ops.sigmoid(gate)

    def _convolve_activated(self, layer, inputs, training, dropout=0.0):
        """Apply concatenated ELU, dropout and the convolution.

        In training the activation is computed again in the backward pass instead of being
        remembered: it is cheap, and twice to four times as large as its input.
        """
        if not training:
            return layer(concat_elu(inputs))
        keep = None
        if dropout:
            shape = (*ops.shape(inputs)[:-1], 2 * inputs.shape[-1])
            keep = keras.random.uniform(shape, seed=self.seed_generator) >= dropout

        def convolve(inputs, kernel):
            hidden = concat_elu(inputs)
            if keep is not None:
                hidden = ops.where(keep, hidden / (1.0 - dropout), 0.0)
            return layer.convolve(hidden, kernel)

        return layer.add_bias(keras.remat(convolve)(inputs, layer.kernel))

    def compute_output_shape(self, inputs_shape, auxiliary_shape=None, condition_shape=None):
        return inputs_shape

    def get_config(self):
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "reach": self.reach,
            "dropout": self.dropout,
        }
