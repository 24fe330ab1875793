"""Choose which values an orderless model may see."""

import keras
from keras import ops

from keras_ar.layers.drawn_choice import DrawnChoice

__all__ = ["SeenValues"]


@keras.saving.register_keras_serializable("keras_ar")
class SeenValues(DrawnChoice):
    """Draw, for every example, the values that come before a random place in a random order.

    The number of seen values is uniform on ``0..size-1``, and every set of that size is as likely
    as another.

    Args:
        seed: Seed of the draws.

    Shapes:
        Input: ``(batch, size)``.
        Output: The same, 1 where seen and 0 elsewhere, in the type of the input.

    Source:
        Uria, Murray and Larochelle (2014), "A Deep and Tractable Density Estimator",
        arXiv:1310.1757, section 3.
    """

    def call(self, inputs):
        if self._given is not None:
            return ops.cast(self._given, inputs.dtype)
        batch, size = ops.shape(inputs)[0], inputs.shape[-1]
        rank_noise = keras.random.uniform((batch, size), seed=self.seed_generator)
        number = keras.random.randint((batch, 1), 0, size, seed=self.seed_generator)
        threshold = ops.take_along_axis(ops.sort(rank_noise, axis=1), number, axis=1)
        return ops.cast(rank_noise < threshold, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
