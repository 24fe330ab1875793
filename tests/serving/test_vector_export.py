"""Models of vectors are served like the others."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_frequencies, codes, probabilities, random_images, randomized
from marks import marked
from vector_variants import VECTOR_VARIANTS

from keras_ar.serving import export

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)


@pytest.mark.parametrize(
    "name", marked(["nade_image", "made_masks", "deepnade_binary"], fast={"deepnade_binary"})
)
def test_the_served_law_is_that_of_the_keras_model(name, tmp_path):
    model = randomized(VECTOR_VARIANTS[name])
    served = tf.saved_model.load(str(export(model, tmp_path)))
    images = random_images(model, 4)
    found = served.signatures["log_prob"](images=tf.constant(images))["log_prob"]
    np.testing.assert_allclose(found, model.log_prob(images), rtol=1e-5, atol=1e-5)
    chance = {"seed": tf.constant([0, 5]), "temperature": tf.constant(1.0)}
    drawn = served.signatures["sample"](count=tf.constant(4000), **chance)["images"].numpy()
    assert drawn.shape == (4000, *model.event_shape)
    assert drawn.dtype == np.uint8
    law = probabilities(model)
    observed = np.bincount(codes(drawn, 2), minlength=len(law))
    check_frequencies(observed, 4000 * law, f"served samples of {name}")
    known = np.random.default_rng(0).random((4, *model.position_shape)) < 0.5
    filled = served.signatures["complete"](
        images=tf.constant(images), known=tf.constant(known), **chance
    )["images"].numpy()
    np.testing.assert_array_equal(filled[known], images[known])
    assert np.any(filled != images)
