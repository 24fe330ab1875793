"""Weight normalisation with data-dependent initialisation."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops

from keras_ar.layers.stepped_conv2d import FoldedKernel

__all__ = ["WeightNormLayer", "data_dependent_initialization"]

_initialization = {"is_active": False}


@contextlib.contextmanager
def data_dependent_initialization() -> Iterator[None]:
    """Let every weight-normalised layer called inside set its gain and bias from its input.

    Each layer scales and shifts its own output to zero mean and the wanted standard deviation
    over the batch, and hands the result on, so one eager pass initialises a whole network layer
    by layer.

    Source:
        Salimans & Kingma (2016), "Weight Normalization", arXiv:1602.07868, section 3.
    """
    _initialization["is_active"] = True
    try:
        yield
    finally:
        _initialization["is_active"] = False


class WeightNormLayer(FoldedKernel, keras.layers.Layer):
    """Base of the layers whose kernel may be split into a length and a direction.

    With ``weight_norm`` the kernel is ``gain * direction / ||direction||``, normalised over all
    axes but the output one; without it the kernel is an ordinary variable.

    Args:
        weight_norm: Whether to normalise.
        init_scale: Standard deviation of the outputs after data-dependent initialisation.

    Source:
        Salimans & Kingma (2016), "Weight Normalization", arXiv:1602.07868. As in the authors'
        PixelCNN++ code: directions are drawn from N(0, 0.05), gains start at 1, biases at 0.
    """

    def __init__(self, *, weight_norm: bool = False, init_scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight_norm = weight_norm
        self.init_scale = init_scale

    def add_kernel(self, shape: tuple[int, ...], output_axis: int) -> None:
        """Create the variables of a kernel of ``shape`` and of the bias."""
        axes = range(len(shape))
        kept = output_axis % len(shape)
        self._reduced_axes = tuple(axis for axis in axes if axis != kept)
        self._gain_shape = tuple(shape[axis] if axis == kept else 1 for axis in axes)
        outputs = (shape[output_axis],)
        if self.weight_norm:
            # Not cast to the compute dtype on reading: the kernel is, when it is normalised.
            self.direction_kernel = self.add_weight(
                name="direction",
                shape=shape,
                initializer=keras.initializers.RandomNormal(0, 0.05),
                autocast=False,
            )
            self.gain = self.add_weight(
                name="gain", shape=outputs, initializer="ones", autocast=False
            )
        else:
            self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=outputs, initializer="zeros")

    def compute_kernel(self):
        """Return the kernel that is convolved with, in compute dtype."""
        if not self.weight_norm:
            return ops.cast(self.kernel, self.compute_dtype)
        # The norm is taken in float32: a sum of thousands of squares loses too much in bfloat16.
        # A copy in name: TensorFlow's gradients by hand refuse variables.
        direction = ops.copy(ops.convert_to_tensor(self.direction_kernel, "float32"))
        gain = ops.reshape(ops.convert_to_tensor(self.gain, "float32"), self._gain_shape)
        return ops.cast(_normalised(self._reduced_axes)(direction, gain), self.compute_dtype)

    def add_bias(self, outputs):
        """Add the bias; inside ``data_dependent_initialization`` set gain and bias first."""
        if self.weight_norm and _initialization["is_active"]:
            raw = ops.cast(outputs, "float32")
            mean, variance = ops.moments(raw, axes=tuple(range(len(raw.shape) - 1)))
            scale = self.init_scale * ops.rsqrt(variance + 1e-10)
            self.gain.assign(self.gain * scale)
            self.bias.assign(-mean * scale)
            return ops.cast((raw - mean) * scale, outputs.dtype)
        return outputs + self.bias

    def is_pristine(self) -> bool:
        """Whether gain and bias still have their first values: nothing was learned or loaded."""
        gain, bias = self.gain.numpy(), self.bias.numpy()
        return bool(np.all(gain == 1.0) and np.all(bias == 0.0))

    def get_config(self):
        return super().get_config() | {
            "weight_norm": self.weight_norm,
            "init_scale": self.init_scale,
        }


@functools.cache
def _normalised(axes: tuple[int, ...]) -> Callable:
    """Return ``gain * direction / ||direction||`` as a function, with its gradient by hand.

    What automatic differentiation makes of it is twice the operations, in a graph that holds it
    once for every layer.
    """

    @ops.custom_gradient
    def normalise(direction, gain):
        norm_squared = ops.sum(ops.square(direction), axis=axes, keepdims=True)
        inverse_norm = ops.rsqrt(norm_squared + 1e-24)
        scale = gain * inverse_norm

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            along = inverse_norm * ops.sum(upstream * direction, axis=axes, keepdims=True)
            # The part of the gradient along the direction changes the gain, the rest the direction.
            return scale * upstream - direction * (scale * inverse_norm * along), along

        return direction * scale, gradient

    return normalise
