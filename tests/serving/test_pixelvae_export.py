"""A model with latents is served like the others: they are drawn inside the signatures."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import random_images, randomized

from keras_ar.models import PixelVAE
from keras_ar.serving import export

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)


def small():
    return PixelVAE(
        (3, 4, 1),
        levels=2,
        latent_size=2,
        filters=4,
        num_blocks=2,
        kernel_size=3,
        first_kernel_size=3,
        head_filters=4,
        encoder_filters=(4,),
    )


@pytest.mark.slow
def test_the_served_estimate_is_that_of_the_keras_model_and_latents_differ(tmp_path):
    model = randomized(small, scale=2.0)
    served = tf.saved_model.load(str(export(model, tmp_path)))
    images = random_images(model, 4)
    found = served.signatures["log_prob"](images=tf.constant(images))["log_prob"]
    np.testing.assert_allclose(found, model.log_prob(images), rtol=1e-5, atol=1e-5)
    chance = {"seed": tf.constant([0, 5]), "temperature": tf.constant(1.0)}
    sample = served.signatures["sample"]
    drawn = sample(count=tf.constant(2000), **chance)["images"].numpy()
    again = sample(count=tf.constant(2000), **chance)["images"].numpy()
    np.testing.assert_array_equal(drawn, again)
    # The pixels depend on each other through the latents: their means alone would hide one latent
    # for all. So the mean brightness of an image must spread as it does in Python.
    wanted = model.sample(2000, seed=1, verbose=False)
    spread = [x.mean(axis=(1, 2, 3)).std() for x in (drawn, wanted)]
    assert spread[0] == pytest.approx(spread[1], rel=0.1)
    known = np.zeros((3, 4), bool)
    known[0] = known[2, 1] = True
    filled = served.signatures["complete"](
        images=tf.constant(images), known=tf.constant(np.tile(known, (4, 1, 1))), **chance
    )["images"].numpy()
    np.testing.assert_array_equal(filled[:, known], images[:, known])
    assert np.any(filled != images)
