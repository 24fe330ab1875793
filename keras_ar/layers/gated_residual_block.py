"""The gated residual block of PixelCNN++."""

import keras
from keras import ops

from keras_ar.layers.shifted_conv2d import ShiftedConv2D

__all__ = ["GatedResidualBlock", "concat_elu"]


def concat_elu(inputs):
    """Apply ELU to ``inputs`` and to ``-inputs``, concatenated on the last axis."""
    # In float32: TensorFlow's bfloat16 ELU takes more time than both casts and this one. Joined
    # afterwards: the gradient then cuts the narrow numbers in two, not the wide ones.
    wide = ops.cast(inputs, "float32")
    halves = [ops.cast(ops.elu(half), ops.dtype(inputs)) for half in (wide, -wide)]
    return ops.concatenate(halves, axis=-1)


def _elu(inputs):
    return ops.cast(ops.elu(ops.cast(inputs, "float32")), ops.dtype(inputs))


# By name: the function, and how many channels it makes of one.
_ACTIVATIONS = {"concat_elu": (concat_elu, 2), "elu": (_elu, 1)}


@keras.saving.register_keras_serializable("keras_ar")
class GatedResidualBlock(keras.layers.Layer):
    """Refine a feature map by a gated residual of two shifted convolutions.

    ``outputs = inputs + a * sigmoid(b)``: two weight-normalised convolutions with the activation
    in front of each and dropout between them. An auxiliary map (a short-cut, or the other stack)
    enters after the first convolution through a 1x1 convolution; a condition vector enters
    after the second one, without weight normalisation.

    Args:
        kernel_size: ``(height, width)`` of both convolutions.
        reach: ``"down"`` (vertical stack) or ``"down_right"``.
        dropout: Fraction dropped between the convolutions in training.
        activation: ``"concat_elu"`` (ELU of the maps and of their negatives) or ``"elu"``.

    Shapes:
        Input: ``inputs`` ``(batch, height, width, filters)``; ``auxiliary`` ``(batch, height,
            width, any)`` or ``None``; ``condition`` ``(batch, features)`` or ``None``.
        Output: ``(batch, height, width, filters)``.

    Raises:
        ValueError: If ``dropout`` is outside [0, 1) or too near 1 for the 16 random bits that
            decide what is dropped, or ``reach`` or ``activation`` unknown.

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
        activation: str = "concat_elu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation must be one of {[*_ACTIVATIONS]}; got {activation!r}.")
        self.activation = activation
        self._activate, self._repeats = _ACTIVATIONS[activation]
        self.kernel_size = tuple(kernel_size)
        self.reach = reach
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout must lie in [0, 1); got {dropout}.")
        if round(2**16 * dropout) == 2**16:
            raise ValueError(
                f"dropout={dropout} is too near 1: of 65,536 values it would keep none. Take at "
                f"most {1.0 - 2.0**-16}."
            )
        self.dropout = dropout
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, inputs_shape, auxiliary_shape=None, condition_shape=None):
        filters = inputs_shape[-1]
        options = {"weight_norm": True, "dtype": self.dtype_policy}
        activated = (*inputs_shape[:-1], self._repeats * filters)
        self.first = ShiftedConv2D(filters, self.kernel_size, self.reach, **options)
        self.first.build(activated)
        if auxiliary_shape is not None:
            self.merge = ShiftedConv2D(filters, (1, 1), **options)
            self.merge.build((*auxiliary_shape[:-1], self._repeats * auxiliary_shape[-1]))
        # A tenth of unit variance: the block starts close to the identity.
        self.second = ShiftedConv2D(
            2 * filters, self.kernel_size, self.reach, init_scale=0.1, **options
        )
        self.second.build(activated)
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
        """Apply the activation, dropout and the convolution.

        In training the activation is computed again in the backward pass instead of being
        remembered: it is cheap, and up to four times as large as its input.
        """
        if not training:
            return layer(self._activate(inputs))
        # Arguments, not constants: else TensorFlow keeps the casts below for the backward pass.
        kept = [self._draw_kept(inputs, dropout)] if dropout else []

        def convolve(inputs, kernel, *kept):
            hidden = self._activate(inputs)
            for mask in kept:
                # Half the time of `where`.
                hidden = hidden * ops.cast(mask, hidden.dtype)
            return layer.convolve(hidden, kernel)

        kernel = layer.effective_kernel
        if dropout:
            # What is kept makes up for what is dropped; the kernel is smaller than the maps.
            kernel = kernel * (1.0 / (1.0 - dropout))
        return layer.add_bias(keras.remat(convolve)(inputs, kernel, *kept))

    def _draw_kept(self, inputs, dropout):
        """Draw which values of the activation of ``inputs`` are kept: 1, or 0, as uint8.

        Random numbers are dear, and 8 bits of one decide as well as 32: exactly where 256 *
        dropout is whole; else 16 bits, which miss the fraction by less than 1e-5.
        """
        bits = 8 if (256 * dropout).is_integer() else 16
        channels = self._repeats * inputs.shape[-1]
        per_draw = 32 // bits
        shape = (*ops.shape(inputs)[:-1], -(-channels // per_draw))
        draws = keras.random.randint(shape, -(2**31), 2**31 - 1, seed=self.seed_generator)
        draws = ops.view(draws, f"uint{bits}")[..., :channels]
        return ops.cast(draws >= ops.cast(round(2**bits * dropout), draws.dtype), "uint8")

    def compute_output_shape(self, inputs_shape, auxiliary_shape=None, condition_shape=None):
        return inputs_shape

    def get_config(self):
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "reach": self.reach,
            "dropout": self.dropout,
            "activation": self.activation,
        }
