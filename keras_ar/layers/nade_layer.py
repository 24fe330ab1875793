"""The NADE: one hidden layer that every prefix of a vector shares."""

import keras
from keras import ops

from keras_ar.loop import scan

__all__ = ["NADELayer"]

# Places computed at once. More cost more multiplications (each place also multiplies by the zeros
# of those after it), fewer cost more iterations.
_CHUNK = 16


@keras.saving.register_keras_serializable("keras_ar")
class NADELayer(keras.layers.Layer):
    """Predict every value from the values before it, through hidden units with shared weights.

    Place ``d`` has the hidden units ``h_d = activation(c + sum_{k<d} W_k x_k)`` and the outputs
    ``b_d + V_d h_d``. The sum runs along: the next place adds one product, so all places
    together cost ``O(size * units)``, in one scan.

    Args:
        units: Hidden units.
        num_outputs: Outputs per place.
        activation: Of the hidden units; a Keras name or function.

    Shapes:
        Input: ``(batch, size)``, float.
        Output: ``(batch, size, num_outputs)``, compute dtype.

    Raises:
        ValueError: If a number is not positive.

    Source:
        Larochelle and Murray (2011), "The Neural Autoregressive Distribution Estimator",
        section 3.
    """

    def __init__(self, units: int, num_outputs: int = 1, *, activation="sigmoid", **kwargs):
        super().__init__(**kwargs)
        if units < 1 or num_outputs < 1:
            raise ValueError(
                f"units and num_outputs must be positive; got {units} and {num_outputs}."
            )
        self.units = units
        self.num_outputs = num_outputs
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        size = input_shape[-1]
        self.input_spec = keras.InputSpec(ndim=2, axes={-1: size})
        uniform = keras.initializers.VarianceScaling(mode="fan_avg", distribution="uniform")
        self.kernel = self.add_weight((size, self.units), uniform, name="kernel")
        self.hidden_bias = self.add_weight((self.units,), "zeros", name="hidden_bias")
        self.output_kernel = self.add_weight(
            (size, self.units * self.num_outputs), uniform, name="output_kernel"
        )
        self.output_bias = self.add_weight((size, self.num_outputs), "zeros", name="output_bias")

    def call(self, inputs):
        size = inputs.shape[-1]
        chunk = min(_CHUNK, size)
        number = -(-size // chunk)

        def by_chunks(values):
            widths = [(0, number * chunk - size), *[(0, 0)] * (len(values.shape) - 1)]
            padded = ops.pad(values, widths)
            return ops.reshape(padded, (number, chunk, *ops.shape(values)[1:]))

        is_earlier = ops.cast(ops.tril(ops.ones((chunk, chunk)), -1), self.compute_dtype)

        def run(total, given):
            values, kernel, output_kernel = given  # (chunk, batch), (chunk, units), ...
            values = ops.transpose(values)
            earlier = ops.expand_dims(values, 1) * is_earlier
            rises = ops.reshape(earlier, (-1, chunk)) @ kernel
            rises = ops.reshape(rises, (-1, chunk, self.units))
            hidden = self.activation(ops.expand_dims(total, 1) + rises)
            outputs = self._read(hidden, output_kernel)
            return total + values @ kernel, [outputs]

        start = ops.broadcast_to(
            ops.cast(self.hidden_bias, self.compute_dtype), (ops.shape(inputs)[0], self.units)
        )
        sources = [ops.transpose(inputs), self.kernel, self.output_kernel]
        sources = [by_chunks(ops.cast(x, self.compute_dtype)) for x in sources]
        _, (outputs,) = scan(run, start, sources, number, [self.compute_dtype])
        outputs = ops.transpose(outputs, (1, 0, 2, 3))
        outputs = ops.reshape(outputs, (-1, number * chunk, self.num_outputs))[:, :size]
        return outputs + ops.cast(self.output_bias, self.compute_dtype)

    # Place by place, see keras_ar.sampling.OrderedNetwork ---------------------------------------

    def prepare(self):
        """Return what no value changes: nothing but the weights themselves."""
        weights = (self.kernel, self.output_kernel, self.output_bias)
        return [ops.cast(weight, self.compute_dtype) for weight in weights]

    def running_sum(self, values):
        """Return the running sum behind the places whose values are not zero, ``(batch, size)``."""
        return values @ ops.cast(self.kernel, values.dtype) + ops.cast(
            self.hidden_bias, values.dtype
        )

    def predict(self, state, prepared, place):
        """Return the outputs of ``place``, ``(batch, num_outputs)``."""
        _, output_kernel, output_bias = prepared
        hidden = ops.expand_dims(self.activation(state), 1)
        outputs = self._read(hidden, ops.take(output_kernel, place, axis=0)[None])
        return outputs[:, 0] + ops.take(output_bias, place, axis=0)

    def absorb(self, state, prepared, place, value):
        """Add the value at ``place``, ``(batch,)``, to the running sum."""
        return state + ops.expand_dims(value, 1) * ops.take(prepared[0], place, axis=0)

    def _read(self, hidden, output_kernel):
        kernel = ops.reshape(output_kernel, (-1, self.num_outputs, self.units))
        if self.num_outputs == 1:
            return ops.sum(hidden * kernel[:, 0], axis=-1, keepdims=True)
        return ops.einsum("bmh,moh->bmo", hidden, kernel)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_outputs)

    def get_config(self):
        return super().get_config() | {
            "units": self.units,
            "num_outputs": self.num_outputs,
            "activation": keras.activations.serialize(self.activation),
        }
