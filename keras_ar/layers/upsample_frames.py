"""Local conditions at a lower rate than the signal: brought to its rate, and to its length."""

from collections.abc import Sequence

import keras
from keras import ops

__all__ = ["CutToLength", "RepeatInitializer", "UpsampleFrames"]


@keras.saving.register_keras_serializable("keras_ar")
class RepeatInitializer(keras.initializers.Initializer):
    """Let a transposed convolution begin as a repetition of every frame.

    From random kernels, generation would have to unlearn a pattern that repeats with the frames.

    Shapes:
        Kernel: ``(factor, features, features)``.
    """

    def __call__(self, shape, dtype=None):
        return ops.broadcast_to(ops.eye(shape[1], shape[2], dtype=dtype), shape)


@keras.saving.register_keras_serializable("keras_ar")
class UpsampleFrames(keras.layers.Layer):
    """Bring frames to the rate of the samples by transposed convolutions.

    A kernel is as wide as its stride, so the samples of a frame depend on that frame alone: what
    a sample may know of later frames is for the features to say.

    Args:
        factors: Of the transposed convolutions, one after the other; their product is the hop,
            the number of samples per frame.

    Shapes:
        Input: ``(batch, frames, features)``, float.
        Output: ``(batch, frames * hop, features)``, compute dtype.

    Raises:
        ValueError: If there is no factor, or one is not a positive integer.

    Source:
        van den Oord et al. (2016), "WaveNet", arXiv:1609.03499, section 2.5.
    """

    is_composite = True

    def __init__(self, factors: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        if not factors or any(int(factor) != factor or factor < 1 for factor in factors):
            raise ValueError(f"factors must be positive integers, at least one; got {factors}.")
        self.factors = tuple(factors)

    def build(self, input_shape):
        features = input_shape[-1]
        self.convs = [
            keras.layers.Conv1DTranspose(
                features,
                factor,
                strides=factor,
                kernel_initializer=RepeatInitializer(),
                dtype=self.dtype_policy,
                name=f"factor_{number}",
            )
            for number, factor in enumerate(self.factors)
        ]
        for conv in self.convs:
            conv.build(input_shape)
        self.built = True

    def call(self, inputs):
        for conv in self.convs:
            inputs = conv(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        batch, frames, features = input_shape
        for factor in self.factors:
            frames = None if frames is None else frames * factor
        return batch, frames, features

    def get_config(self):
        return super().get_config() | {"factors": self.factors}


@keras.saving.register_keras_serializable("keras_ar")
class CutToLength(keras.layers.Layer):
    """Drop what lies behind the end of another sequence: the last frame may be a part of one.

    Args:
        **kwargs: Those of ``keras.layers.Layer``.

    Shapes:
        Input: ``(batch, at least time, channels)`` and ``(batch, time, ...)``.
        Output: ``(batch, time, channels)``.
    """

    is_pointwise = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs, like):
        return inputs[:, : ops.shape(like)[1]]

    def compute_output_shape(self, inputs_shape, like_shape):
        return (inputs_shape[0], like_shape[1], *inputs_shape[2:])
