"""What does not fit a model is refused, with a message that says what to do."""

import keras
import numpy as np
import pytest
from checks import network_inputs, random_condition, random_images
from variants import VARIANTS

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP


@pytest.fixture(scope="module")
def model():
    return VARIANTS["pixelcnn_colour"]()


@pytest.fixture(scope="module")
def class_model():
    return VARIANTS["gated_classes"]()


def images_of_shape(*shape, value=0, dtype="uint8"):
    return np.full(shape, value, dtype)


@pytest.mark.parametrize("call", ["log_prob", "bits_per_dim", "initialize_from_data", "complete"])
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (images_of_shape(2, 4, 5, 3, value=0.5, dtype="float32"), "whole numbers.*0..4"),
        (images_of_shape(2, 4, 5, 3, value=np.nan, dtype="float32"), "whole numbers"),
        (images_of_shape(4, 5, 3), r"rank 3.*images\[None\]"),
        (images_of_shape(2, 5, 4, 3), r"must have shape \(batch, 4, 5, 3\)"),
        (images_of_shape(2, 4, 5, 1), r"must have shape \(batch, 4, 5, 3\)"),
        (images_of_shape(2, 4, 5, 3, value=5), r"must lie in 0..4"),
        (images_of_shape(2, 4, 5, 3, value=-1, dtype="int32"), r"must lie in 0..4"),
        (images_of_shape(0, 4, 5, 3), "empty"),
    ],
)
def test_images_that_do_not_fit_are_refused(model, call, images, message):
    arguments = (images, np.zeros((4, 5), bool)) if call == "complete" else (images,)
    with pytest.raises(ValueError, match=message):
        getattr(model, call)(*arguments)


def test_images_that_are_no_numbers_are_refused(model):
    with pytest.raises(TypeError, match="array of integers"):
        model.log_prob(images_of_shape(1, 4, 5, 3, value="a", dtype="str"))


def test_whole_floats_count_as_the_integers_they_are(model):
    images = random_images(model, 2)
    expected = np.asarray(model.log_prob(images))
    np.testing.assert_array_equal(np.asarray(model.log_prob(images.astype("float64"))), expected)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (None, "is conditional: pass condition=class ids 0..2"),
        ([0, 1, 2], "one for each of the 2 images"),
        ([0, 3], "must lie in 0..2; got 0 to 3"),
        ([-1, 0], "must lie in 0..2; got -1 to 0"),
        ([0.5, 1.0], "whole numbers"),
    ],
)
def test_class_ids_that_do_not_fit_are_refused(class_model, condition, message):
    with pytest.raises(ValueError, match=message):
        class_model.log_prob(random_images(class_model, 2), condition)
    with pytest.raises(ValueError, match=message):
        class_model.sample(2, condition=condition)


def test_a_condition_given_to_an_unconditional_model_is_refused(model):
    with pytest.raises(ValueError, match="unconditional: leave condition out"):
        model.log_prob(random_images(model, 2), [0, 1])
    with pytest.raises(ValueError, match="unconditional: leave condition out"):
        model.sample(2, condition=1)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (np.zeros((2, 3), "float32"), r"must have shape \(2, 2\)"),
        (np.full((2, 2), np.nan, "float32"), "not finite"),
        (None, "pass condition=a tensor"),
    ],
)
def test_an_embedding_that_does_not_fit_is_refused(condition, message):
    model = VARIANTS["gated_embedding"]()
    with pytest.raises(ValueError, match=message):
        model.log_prob(random_images(model, 2), condition)


@pytest.mark.parametrize("name", ["gated_classes", "gated_embedding"])
def test_one_condition_stands_for_all_images(name):
    model = VARIANTS[name]()
    images, one = random_images(model, 3), random_condition(model, 1)[0]
    each = np.asarray(model.log_prob(images, np.stack([one] * 3)))
    np.testing.assert_array_equal(np.asarray(model.log_prob(images, one)), each)


@pytest.mark.parametrize(
    ("known", "error", "message"),
    [
        (np.ones((5, 4), bool), ValueError, r"must have shape \(4, 5\)"),
        (np.ones((3, 4, 5), bool), ValueError, r"or \(2, 4, 5\)"),
        (np.full((4, 5), 0.5), TypeError, "boolean"),
    ],
)
def test_a_known_mask_that_does_not_fit_is_refused(model, known, error, message):
    with pytest.raises(error, match=message):
        model.complete(random_images(model, 2), known)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive_is_refused(model, temperature):
    with pytest.raises(ValueError, match="temperature must be positive"):
        model.sample(1, temperature=temperature)


def test_a_count_below_one_is_refused(model):
    with pytest.raises(ValueError, match="count must be at least 1"):
        model.sample(0)


@pytest.mark.parametrize("offence", [{"loss": "mse"}, {"metrics": ["accuracy"]}])
def test_compile_refuses_a_loss_or_metrics(offence):
    with pytest.raises(ValueError, match="built in"):
        VARIANTS["pixelcnn_binary"]().compile("adam", **offence)


def test_fit_refuses_arrays_that_do_not_fit(model, class_model):
    model.compile()
    with pytest.raises(ValueError, match=r"must lie in 0..4"):
        model.fit(images_of_shape(2, 4, 5, 3, value=5), verbose=0)
    with pytest.raises(ValueError, match=r"must lie in 0..4"):
        model.fit(
            images_of_shape(2, 4, 5, 3),
            validation_data=(images_of_shape(2, 4, 5, 3, value=5),),
            verbose=0,
        )
    class_model.compile()
    with pytest.raises(ValueError, match="is conditional"):
        class_model.fit(random_images(class_model, 2), verbose=0)
    with pytest.raises(ValueError, match="is conditional"):
        class_model.evaluate(random_images(class_model, 2), verbose=0)


def test_fit_refuses_data_sets_of_floats_of_wrong_shape_or_without_condition(model, class_model):
    import tensorflow as tf

    def data_set(array):
        return tf.data.Dataset.from_tensor_slices(array).batch(2)

    model.compile()
    with pytest.raises(ValueError, match=r"yields float32 images.*integers 0..4"):
        model.fit(data_set(images_of_shape(2, 4, 5, 3, dtype="float32")), shuffle=False)
    with pytest.raises(ValueError, match="yields images of shape"):
        model.fit(data_set(images_of_shape(2, 5, 4, 3)), shuffle=False)
    class_model.compile()
    with pytest.raises(ValueError, match=r"must be \(images, condition\)"):
        class_model.fit(data_set(random_images(class_model, 2)), shuffle=False)


def test_a_network_pass_refuses_float_images(model):
    with pytest.raises(TypeError, match=r"integer images 0..4"):
        model(images_of_shape(1, 4, 5, 3, dtype="float32"))
    with pytest.raises(TypeError, match="integer images"):
        gated = VARIANTS["gated_embedding"]()
        gated(network_inputs(gated, np.zeros((1, 4, 6, 1), "float32"), np.zeros((1, 2), "float32")))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PixelCNN((4, 4)), "image_shape must be"),
        (lambda: PixelCNN((0, 4, 1)), "image_shape must be"),
        (lambda: PixelCNN((4, 4, 1), levels=1), "levels must be at least 2"),
        (lambda: PixelCNN((4, 4, 1), kernel_size=2, filters=4, num_blocks=1), "must be odd"),
        (lambda: PixelCNN((4, 4, 3), filters=2, num_blocks=1), "colour group needs a filter"),
        (lambda: GatedPixelCNN((4, 4, 3), filters=4), "divisible by the colour groups"),
        (lambda: GatedPixelCNN((4, 4, 1), num_classes=2, condition_shape=(2,)), "not both"),
        (lambda: GatedPixelCNN((4, 4, 1), num_classes=0), "num_classes must be positive"),
        (lambda: GatedPixelCNN((4, 4, 1), condition_shape=(2, 2)), "condition_shape must be"),
        (lambda: GatedPixelCNN((4, 4, 1), condition_shape=(3, 3, 1)), "cannot be enlarged"),
        (lambda: GatedPixelCNN((4, 6, 1), condition_shape=(2, 2, 1)), "cannot be enlarged"),
        (lambda: GatedPixelCNN((4, 4, 1), condition_shape=(8, 8, 1)), "cannot be enlarged"),
        (lambda: PixelCNNPP((6, 8, 3)), "must be divisible by 4.*Pad or crop"),
        (lambda: PixelCNNPP((8, 6, 3)), "must be divisible by 4.*Pad or crop"),
        (lambda: PixelCNNPP((8, 8, 3), condition_shape=(8, 8, 1)), "not a spatial map"),
        (lambda: PixelCNNPP((4, 4, 1), dropout=1.0), r"dropout must lie in \[0, 1\)"),
    ],
)
def test_impossible_sizes_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_network_with_the_wrong_number_of_outputs_is_refused(model):
    from keras_ar.models import AutoregressiveModel

    outputs = keras.layers.Dense(7)(model.outputs[0])
    with pytest.raises(ValueError, match="7 outputs per pixel, CategoricalLikelihood wants 15"):
        AutoregressiveModel(model.inputs[0], outputs, likelihood=model.likelihood, config={})
