"""A dense layer with the connections that a degree allows."""

import keras
import numpy as np
from keras import ops

__all__ = ["MaskedDense"]


@keras.saving.register_keras_serializable("keras_ar")
class MaskedDense(keras.layers.Layer):
    """Connect units only where degrees allow, so that outputs read earlier values alone.

    The degree of an input value is its place in the order, from 1. A hidden unit of degree m
    may depend on the values of the places 1 to m: it reads units of degree at most m. The output
    of place d depends on the places before: it reads units of degree below d. The mask multiplies
    the kernel inside ``call``.

    Args:
        units: Number of outputs.
        in_degrees: Degrees of the inputs, integers ``(inputs,)``, or ``(masks, inputs)`` for a
            list of masks of which ``call`` uses one.
        out_degrees: Degrees of the outputs, ``(units,)`` or ``(masks, units)``.
        is_strict: Whether an output reads strictly lower degrees only, as output layers must.
        use_bias: Whether the outputs have a bias.
        kernel_initializer: Of the kernel.

    Shapes:
        Input: ``(batch, inputs)``, and an int32 scalar, the index of the mask (0 if left out).
        Output: ``(batch, units)``, compute dtype.

    Raises:
        ValueError: If degrees and units do not fit.

    Source:
        Germain et al. (2015), "MADE: Masked Autoencoder for Distribution Estimation",
        arXiv:1502.03509, section 4.
    """

    def __init__(
        self,
        units: int,
        in_degrees,
        out_degrees,
        *,
        is_strict: bool = False,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._given_degrees = [
            np.atleast_2d(np.asarray(degrees, "int32")) for degrees in (in_degrees, out_degrees)
        ]
        ours, theirs = (degrees.shape for degrees in self._given_degrees[::-1])
        if ours[1] != units or ours[0] != theirs[0]:
            raise ValueError(
                f"MaskedDense needs a degree for each of its {units} units in each of the "
                f"{theirs[0]} masks; got out_degrees of shape {ours}."
            )
        self.units = units
        self.is_strict = is_strict
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, inputs_shape, index_shape=None):
        inputs = inputs_shape[-1]
        if self._given_degrees[0].shape[1] != inputs:
            raise ValueError(
                f"{self.name} got degrees for {self._given_degrees[0].shape[1]} inputs, and has "
                f"{inputs}."
            )
        self.kernel = self.add_weight((inputs, self.units), self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), "zeros", name="bias")
        # Weights, so that they are saved with the others: no generator of random numbers promises
        # the same degrees for ever.
        self.in_degrees, self.out_degrees = (
            self.add_weight(
                degrees.shape,
                lambda shape, dtype, degrees=degrees: ops.convert_to_tensor(degrees, dtype),
                dtype="int32",
                trainable=False,
                name=name,
            )
            for name, degrees in zip(
                ("in_degrees", "out_degrees"), self._given_degrees, strict=True
            )
        )

    def masked_kernel(self, index=0):
        """Return the kernel of mask ``index``, zero where there is no connection."""
        read = ops.take(self.in_degrees, index, axis=0)[:, None]
        own = ops.take(self.out_degrees, index, axis=0)[None, :]
        allowed = ops.less(read, own) if self.is_strict else ops.less_equal(read, own)
        kernel = ops.cast(self.kernel, self.compute_dtype)
        return kernel * ops.cast(allowed, kernel.dtype)

    def call(self, inputs, index=0):
        outputs = inputs @ self.masked_kernel(index)
        return outputs + ops.cast(self.bias, outputs.dtype) if self.use_bias else outputs

    def compute_output_spec(self, inputs, index=None):
        return keras.KerasTensor((*inputs.shape[:-1], self.units), dtype=self.compute_dtype)

    def get_config(self):
        in_degrees, out_degrees = (degrees.tolist() for degrees in self._given_degrees)
        return super().get_config() | {
            "units": self.units,
            "in_degrees": in_degrees,
            "out_degrees": out_degrees,
            "is_strict": self.is_strict,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
