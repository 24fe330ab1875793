"""The causal dilated convolution of WaveNet, with its queue."""

import keras
from keras import ops

__all__ = ["CausalDilatedConv1D"]


@keras.saving.register_keras_serializable("keras_ar")
class CausalDilatedConv1D(keras.layers.Conv1D):
    """Convolve a sequence without looking at the future.

    The output at time ``t`` reads the inputs at ``t``, ``t - dilation``, ...,
    ``t - dilation * (kernel_size - 1)``; before the beginning there are zeros. Step by step, a
    queue of ``dilation * (kernel_size - 1)`` inputs is all that is remembered, so a step costs
    the same whatever was generated before.

    Args:
        filters: Output channels.
        kernel_size: Number of inputs that an output reads; any positive number.
        dilation: Steps between two of them.
        **options: Those of ``keras.layers.Conv1D`` but for its strides, padding, groups, data
            format and dilation rate.

    Shapes:
        Input: ``(batch, time, channels)``, float.
        Output: ``(batch, time, filters)``, compute dtype.

    Raises:
        ValueError: If a number is not positive.

    Source:
        van den Oord et al. (2016), "WaveNet", arXiv:1609.03499, section 2.1. The queue:
        Le Paine et al. (2016), "Fast Wavenet Generation Algorithm", arXiv:1611.09482.
    """

    def __init__(self, filters: int, kernel_size: int = 2, *, dilation: int = 1, **options):
        for name, number in (("kernel_size", kernel_size), ("dilation", dilation)):
            if int(number) != number or number < 1:
                raise ValueError(f"{name} must be a positive integer; got {number}.")
        super().__init__(filters, kernel_size, padding="causal", dilation_rate=dilation, **options)
        self.dilation = dilation

    @property
    def queue_length(self) -> int:
        """How many past inputs are remembered."""
        return self.dilation * (self.kernel_size[0] - 1)

    # Step by step -----------------------------------------------------------------------------

    def initial_state(self, batch_size, input_shape):
        """Return the queue before the first step, and the place of its oldest entry."""
        shape = (batch_size, self.queue_length, input_shape[-1])
        return ops.zeros(shape, self.compute_dtype), ops.zeros((), "int32")

    def step(self, inputs, state):
        """Return the outputs ``(batch, 1, filters)`` at the next time, and the state after it."""
        queue, oldest = state
        length, taps = self.queue_length, [inputs[:, 0]]
        if length:
            # The queue is a ring: what is read first is overwritten by what is newest.
            taps = [
                queue[:, (oldest + tap * self.dilation) % length]
                for tap in range(self.kernel_size[0] - 1)
            ] + taps
            # Not slice_update: on TensorFlow that is an operation of XLA, which servers lack.
            rows = ops.arange(ops.shape(queue)[0])
            places = ops.stack([rows, ops.broadcast_to(oldest, ops.shape(rows))], axis=1)
            queue = ops.scatter_update(queue, places, inputs[:, 0])
            oldest = (oldest + 1) % length
        kernel = ops.reshape(ops.cast(self.kernel, inputs.dtype), (-1, self.filters))
        outputs = self._finish(ops.concatenate(taps, axis=-1) @ kernel)
        return outputs[:, None], (queue, oldest)

    def advance(self, inputs, state):
        """Do any number of steps in one pass: ``(batch, time, channels)``."""
        queue, _ = self.settled(state)
        seen = ops.concatenate([queue, inputs], axis=1)
        kernel = ops.cast(self.kernel, inputs.dtype)
        outputs = ops.conv(seen, kernel, padding="valid", dilation_rate=self.dilation)
        queue = seen[:, ops.shape(seen)[1] - self.queue_length :]
        return self._finish(outputs), (queue, ops.zeros((), "int32"))

    def settled(self, state):
        """Turn the ring so that the oldest entry comes first, as before the first step."""
        queue, oldest = state
        turned = ops.roll(queue, -oldest, axis=1) if self.queue_length else queue
        return turned, ops.zeros((), "int32")

    def _finish(self, outputs):
        if self.use_bias:
            outputs = outputs + ops.cast(self.bias, outputs.dtype)
        return self.activation(outputs)

    def get_config(self):
        config = super().get_config()
        for name in ("strides", "padding", "groups", "data_format", "dilation_rate"):
            del config[name]
        return config | {"kernel_size": self.kernel_size[0], "dilation": self.dilation}
