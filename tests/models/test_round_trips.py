"""What is saved comes back: configs, files, copies and other precisions."""

import keras
import numpy as np
import pytest
from checks import parameters, random_condition, random_images, to_numpy
from marks import marked
from variants import ONE_OF_EACH, VARIANTS, every_variant, shared_model

from keras_ar.models import PixelCNN


def log_prob(model, count=3):
    # Without compilation, which takes longer than everything else here.
    images, condition = random_images(model, count), random_condition(model, count)
    return to_numpy(model.log_prob_graph(images, *([] if condition is None else [condition])))


@every_variant
def test_a_config_builds_a_model_with_the_same_weights_and_config(build):
    model = shared_model(build, scale=0.5)
    twin = type(model).from_config(model.get_config())
    assert twin.get_config() == model.get_config()
    assert np.any(log_prob(twin) != log_prob(model))
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(log_prob(twin), log_prob(model))


@every_variant
def test_a_saved_file_gives_the_same_class_and_densities(build, tmp_path):
    model = shared_model(build, scale=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(log_prob(loaded), log_prob(model))


@every_variant
def test_a_clone_is_a_model_of_the_same_class_and_densities(build):
    model = shared_model(build, scale=0.5)
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model)
    assert clone.get_config() == model.get_config()
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(log_prob(clone), log_prob(model))
    for weight in clone.trainable_variables:
        weight.assign(weight * 0.5)
    assert np.any(log_prob(clone) != log_prob(model)), "The clone shares weights with its model."


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_plain_weights_go_from_file_to_file(name, tmp_path):
    model, twin = shared_model(VARIANTS[name], scale=0.5), VARIANTS[name]()
    model.save_weights(tmp_path / "model.weights.h5")
    twin.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(log_prob(twin), log_prob(model))


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_layer_is_rebuilt_from_its_config(name):
    for layer in VARIANTS[name]().layers:
        # Keras' nodes of plain operations are no layers of ours.
        if type(layer).__module__.startswith("keras_ar"):
            twin = type(layer).from_config(layer.get_config())
            assert twin.get_config() == layer.get_config()


def test_an_unknown_argument_in_a_config_is_named():
    config = VARIANTS["pixelcnn_binary"]().get_config()
    with pytest.raises(ValueError, match="PixelCNN has no argument nr_filters"):
        PixelCNN.from_config({**config, "nr_filters": 160})


def test_what_compile_was_given_is_saved_and_training_resumes(tmp_path):
    model = VARIANTS["pixelcnn_binary"]()
    assert model.get_compile_config() is None
    optimizer = keras.optimizers.Adam(3e-3, beta_1=0.95)
    model.compile(optimizer, jit_compile=False, steps_per_execution=2)
    images = random_images(model, 8)
    model.fit(images, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config() == model.get_compile_config()
    assert loaded.optimizer.beta_1 == 0.95
    assert int(loaded.optimizer.iterations) == 2
    for trained in (model, loaded):
        trained.fit(images, batch_size=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(log_prob(loaded), log_prob(model), rtol=1e-6)


@pytest.mark.parametrize("name", marked(ONE_OF_EACH, slow={"plus_plus_colour"}))
def test_mixed_precision_has_float32_outputs_close_to_those_of_float32(
    name, dtype_policy, tmp_path
):
    model = shared_model(VARIANTS[name], scale=0.5)
    dtype_policy("mixed_bfloat16")
    mixed = VARIANTS[name]()
    mixed.set_weights(model.get_weights())
    images, condition = random_images(model, 4), random_condition(model, 4)
    exact, rough = (parameters(network, images, condition) for network in (model, mixed))
    assert mixed.outputs[0].dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in mixed.layers)
    assert all(weight.dtype == "float32" for weight in mixed.trainable_variables)
    assert 0 < np.abs(rough - exact).max() < 0.1 * np.abs(exact).max()

    # The file holds weights and sizes; the precision is that of whoever loads it.
    mixed.save(tmp_path / "mixed.keras")
    loaded = keras.models.load_model(tmp_path / "mixed.keras")
    np.testing.assert_array_equal(parameters(loaded, images, condition), rough)
    dtype_policy("float32")
    loaded = keras.models.load_model(tmp_path / "mixed.keras")
    np.testing.assert_array_equal(parameters(loaded, images, condition), exact)
