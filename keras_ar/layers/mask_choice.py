"""Choose one of the masks of a MADE."""

import keras
from keras import ops

from keras_ar.layers.drawn_choice import DrawnChoice

__all__ = ["MaskChoice"]


@keras.saving.register_keras_serializable("keras_ar")
class MaskChoice(DrawnChoice):
    """Draw the mask of a training batch; outside of training it is the one given, or the first.

    Args:
        num_masks: How many there are.
        seed: Seed of the draws.

    Shapes:
        Input: Any; only its presence matters.
        Output: ``()``, int32, the index of the mask.

    Source:
        Germain et al. (2015), "MADE: Masked Autoencoder for Distribution Estimation",
        arXiv:1502.03509, section 4.2.
    """

    def __init__(self, num_masks: int, *, seed: int = 0, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if num_masks < 1:
            raise ValueError(f"num_masks must be positive; got {num_masks}.")
        self.num_masks = num_masks

    def call(self, inputs, training=False):
        if self._given is not None:
            return ops.cast(self._given, "int32")
        if not training or self.num_masks == 1:
            return ops.zeros((), "int32")
        return keras.random.randint((), 0, self.num_masks, seed=self.seed_generator)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor((), dtype="int32")

    def get_config(self):
        return super().get_config() | {"num_masks": self.num_masks}
