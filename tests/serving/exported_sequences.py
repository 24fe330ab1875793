"""Small models of sequences and their exports, which several tests share."""

import keras
import numpy as np
import tensorflow as tf

from keras_ar.models import CharRNN, WaveNet
from keras_ar.serving import export
from keras_ar.serving.noise import draw_noise

_SMALL = {"num_stacks": 2, "layers_per_stack": 2, "filters": 6, "skip_filters": 8}
SEQUENCE_BUILDERS = {
    "classes": lambda: WaveNet(11, kernel_size=3, num_classes=3, **_SMALL),
    "features": lambda: WaveNet(
        300, num_mixtures=2, num_classes=(3, 2), num_features=2, upsampling=(2, 2), **_SMALL
    ),
}
RECURRENT_BUILDERS = {"recurrent": lambda: CharRNN(7, units=5, num_layers=2)}


class ExportedSequences:
    """A model and its reloaded SavedModel, which must outlive its signatures."""

    def __init__(self, name: str, folder):
        keras.utils.set_random_seed(3)
        self.model = (SEQUENCE_BUILDERS | RECURRENT_BUILDERS)[name]()
        for weight in self.model.trainable_variables:
            weight.assign_add(keras.random.normal(weight.shape, stddev=0.3))
        self.path = export(self.model, folder)
        self.reloaded = tf.saved_model.load(str(self.path))

    def codes(self, count: int, length: int) -> np.ndarray:
        levels = self.model.vocabulary_size
        return np.random.default_rng(length).integers(0, levels, (count, length), dtype="int32")

    def conditions(self, count: int, length: int) -> dict[str, np.ndarray]:
        """Return conditions whose rows and frames do not depend on how many there are."""
        if not self.model.is_conditional:
            return {}
        kinds = np.atleast_1d(self.model.num_classes)
        class_ids = (np.arange(count)[:, None] % kinds).astype("int32")
        if self.model.hop is None:
            return {"condition": class_ids[:, 0]}
        frames = -(-length // self.model.hop)
        row, frame, feature = np.ogrid[:count, :frames, :2]
        return {
            "condition": class_ids,
            "features": np.sin(1.7 * row + frame + 2.3 * feature).astype("float32"),
        }

    def in_python(self, count: int, length: int):
        """Return the conditions as the Keras model takes them."""
        parts = tuple(self.conditions(count, length).values())
        return parts if len(parts) > 1 else parts[0]

    def call(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {k: v.numpy() for k, v in self.reloaded.signatures[signature](**tensors).items()}

    def sample(self, count=3, length=20, seed=(0, 0), temperature=1.0, **conditions) -> np.ndarray:
        inputs = {"count": np.int32(count), "length": np.int32(length), "seed": np.int32(seed)}
        inputs |= {"temperature": np.float32(temperature), **self.conditions(count, length)}
        return self.call("sample", **inputs | conditions)["codes"]

    def keras_sample(self, count: int, length: int, seed=(0, 0)) -> np.ndarray:
        """What the Keras model generates, compiled by XLA, from the noise of a served seed."""
        noise = draw_noise((count, length, self.model.likelihood.noise_size), tf.constant(seed))
        return self.model.sampler.generate(
            np.zeros((count, length, 1), "int32"),
            np.zeros((count, length), bool),
            noise.numpy(),
            [tf.constant(x) for x in self.conditions(count, length).values()],
            tf.constant(1.0),
            (),
            verbose=False,
        )[..., 0]

    def start(self, count: int) -> np.ndarray:
        return self.call("start", count=np.int32(count))["state"]

    def stream(self, state, length: int, conditions, seeds, temperatures=None):
        """Return the next codes, and the state after them."""
        count = len(state)
        temperatures = np.ones(count) if temperatures is None else temperatures
        answer = self.call(
            "stream",
            state=state,
            length=np.full(count, length, "int32"),
            seed=np.int32(seeds),
            temperature=np.float32(temperatures),
            **conditions,
        )
        return answer["codes"], answer["state"]

    def frames(self, conditions: dict, part: slice) -> dict:
        """Return the conditions of a part of the codes."""
        if self.model.hop is None:
            return conditions
        hop = self.model.hop
        some = slice(part.start // hop, -(-part.stop // hop))
        return conditions | {"features": conditions["features"][:, some]}
