"""A small model and its export, which several tests share."""

import keras
import numpy as np
import tensorflow as tf

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP, PixelSNAIL
from keras_ar.serving import export
from keras_ar.serving.noise import draw_noise

_SMALL = {"filters": 4, "num_blocks": 1}
BUILDERS = {
    "binary": lambda: PixelCNN((5, 4, 1), levels=2, head_filters=4, **_SMALL),
    "classes": lambda: GatedPixelCNN((3, 5, 1), levels=4, head_filters=4, num_classes=3, **_SMALL),
    "mixture": lambda: PixelCNNPP((4, 4, 3), num_mixtures=2, **_SMALL),
    "attention": lambda: PixelSNAIL(
        (3, 4, 1), levels=4, num_residual_blocks=1, key_filters=2, num_mixtures=1, **_SMALL
    ),
    "embedding": lambda: GatedPixelCNN(
        (3, 4, 1), levels=2, head_filters=4, condition_shape=(2,), **_SMALL
    ),
}


class Exported:
    """A model, its folder and its reloaded SavedModel, which must outlive its signatures."""

    def __init__(self, name: str, folder):
        keras.utils.set_random_seed(3)
        self.model = BUILDERS[name]()
        for weight in self.model.trainable_variables:  # Zero biases would leave ties to the noise.
            weight.assign_add(keras.random.normal(weight.shape, stddev=0.3))
        self.folder = folder
        self.path = export(self.model, folder)
        self.reloaded = tf.saved_model.load(str(self.path))

    def condition(self, count: int) -> dict[str, np.ndarray]:
        if not self.model.is_conditional:
            return {}
        if self.model.num_classes:
            return {"condition": np.arange(count, dtype="int32") % self.model.num_classes}
        return {"condition": np.linspace(-1.0, 1.0, 2 * count, dtype="float32").reshape(-1, 2)}

    def images(self, count: int) -> np.ndarray:
        shape = (count, *self.model.image_shape)
        levels = self.model.likelihood.levels
        return np.random.default_rng(count).integers(0, levels, shape).astype("uint8")

    def call(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {k: v.numpy() for k, v in self.reloaded.signatures[signature](**tensors).items()}

    def sample(self, count=3, seed=(0, 0), temperature=1.0, **condition) -> np.ndarray:
        inputs = {"count": np.int32(count), "seed": np.int32(seed), **self.condition(count)}
        inputs |= {"temperature": np.float32(temperature), **condition}
        return self.call("sample", **inputs)["images"]

    def keras_sample(self, count: int, seed=(0, 0)) -> np.ndarray:
        """What the Keras model generates from the noise of a served seed."""
        blank = np.zeros((count, *self.model.image_shape), "int32")
        noise_shape = (*blank.shape[:3], self.model.likelihood.noise_size)
        return self.model.sampler.generate(
            blank,
            np.zeros(blank.shape[:3], bool),
            draw_noise(noise_shape, seed).numpy(),
            [tf.constant(value) for value in self.condition(count).values()],
            tf.constant(1.0),
            (),
            verbose=False,
        )
