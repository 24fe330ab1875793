"""What is PixelRNN's own: how it is compiled, its sizes, and its loops inside a SavedModel."""

import keras
import numpy as np
import pytest
from checks import random_images, randomized, to_numpy
from variants import VARIANTS

import keras_ar
from keras_ar.models import PixelRNN


def test_diagonals_are_compiled_by_xla_unless_the_user_decides_otherwise():
    model = VARIANTS["rnn_diagonal_line"]()
    model.compile("adam")
    assert model.jit_compile
    assert model.get_compile_config()["jit_compile"]
    for options in ({"jit_compile": False}, {"run_eagerly": True}):
        model.compile("adam", **options)
        assert not model.jit_compile


def test_fit_as_a_user_runs_it_lowers_the_loss():
    model = VARIANTS["rnn_row_binary"]()
    images = random_images(model, 1).repeat(8, axis=0)
    model.compile(keras.optimizers.Adam(0.03))
    history = model.fit(images, batch_size=4, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize("recurrence", ["row", "diagonal"])
def test_the_paper_s_number_of_filters_need_not_be_divisible_by_the_colours(recurrence):
    model = PixelRNN((8, 8, 3), recurrence=recurrence, num_blocks=1, head_filters=16)
    assert model.get_config()["filters"] % 3
    assert model.output_shape == (None, 8, 8, 768)


def test_skips_add_one_path_for_each_recurrent_layer():
    sizes = {"levels": 2, "filters": 3, "num_blocks": 4, "head_filters": 4}
    with_skips, without = (PixelRNN((4, 4, 1), has_skips=has, **sizes) for has in (True, False))
    added = with_skips.count_params() - without.count_params()
    assert added == 4 * (3 * 6 + 6)


def test_an_unknown_recurrence_is_refused():
    with pytest.raises(ValueError, match='must be "diagonal" or "row"'):
        PixelRNN((4, 4, 1), recurrence="rows")


@pytest.mark.parametrize("recurrence", ["row", "diagonal"])
def test_the_state_is_one_row_however_tall_the_image(recurrence):
    def size(height):
        model = PixelRNN((height, 6, 1), recurrence=recurrence, filters=2, num_blocks=2)
        states = model.sampler.initial_states(2)
        return sum(np.asarray(x).nbytes for x in keras.tree.flatten(states))

    assert size(4) == size(8) > 0


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it.")
def test_an_exported_model_gives_the_same_densities_and_samples(tmp_path):
    import tensorflow as tf

    model = randomized(VARIANTS["rnn_diagonal_binary"])
    served = tf.saved_model.load(str(keras_ar.export(model, tmp_path / "model"))).signatures
    for count in (1, 3):
        images = random_images(model, count)
        found = served["log_prob"](images=tf.constant(images))["log_prob"]
        np.testing.assert_allclose(to_numpy(found), to_numpy(model.log_prob(images)), rtol=1e-5)
    options = {"seed": tf.constant([1, 2]), "temperature": tf.constant(1.0)}
    samples = served["sample"](count=tf.constant(3), **options)["images"].numpy()
    assert samples.shape == (3, *model.image_shape) and 0 < samples.mean() < 1
