import keras
import numpy as np
import pytest
from checks import random_images, randomized, to_numpy
from keras import ops

from keras_ar.models import (
    FVSBN,
    NADE,
    AutoregressiveModel,
    DeepNADE,
    GatedPixelCNN,
    PixelCNN,
    PixelCNNPP,
)
from keras_ar.receptive_field import format_receptive_field, input_gradients, receptive_field


def earlier(height: int, width: int, row: int, column: int) -> np.ndarray:
    return np.arange(height * width).reshape(height, width) < row * width + column


def pixelcnn(image_shape, **options) -> PixelCNN:
    return PixelCNN(
        image_shape, levels=2, filters=6, num_blocks=1, head_filters=6 * image_shape[-1], **options
    )


def test_a_stack_of_masked_convolutions_sees_its_triangle():
    # A 3x3 window of type A, then one of type B: two rows up, one more column per row.
    drawn = format_receptive_field(
        receptive_field(pixelcnn((6, 7, 1), first_kernel_size=3), 3, 3, trials=8), 3, 3
    )
    assert drawn.split() == [".......", ".#####.", ".####..", ".##@...", ".......", "......."]


def test_colours_that_are_predicted_in_turn_make_a_pixel_see_itself():
    assert receptive_field(pixelcnn((4, 4, 3)))[2, 2]
    assert not receptive_field(pixelcnn((4, 4, 1)))[2, 2]
    mixture = PixelCNNPP((4, 4, 3), filters=4, num_blocks=1, num_mixtures=1)
    assert not receptive_field(mixture, 1, 2)[1, 2]


@pytest.mark.parametrize("pixel", [(0, 0), (2, 1), (3, 3)])
@pytest.mark.parametrize("condition", [{"num_classes": 3}, {"condition_shape": (2,)}])
def test_conditional_models_see_everything_before_the_pixel(condition, pixel):
    model = GatedPixelCNN((4, 4, 1), levels=4, filters=4, num_blocks=3, head_filters=8, **condition)
    mask = receptive_field(model, *pixel, trials=8)
    np.testing.assert_array_equal(mask, earlier(4, 4, *pixel))


def test_the_batch_size_does_not_matter():
    model = pixelcnn((5, 4, 1))
    masks = [receptive_field(model, batch_size=size) for size in (1, 7, 64)]
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])
    assert masks[0].dtype == bool and masks[0].shape == (5, 4)


def test_more_images_never_see_less_and_a_dead_network_sees_nothing():
    model = pixelcnn((5, 5, 1))
    few, many = (receptive_field(model, trials=trials) for trials in (1, 6))
    assert np.all(many >= few)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    assert not receptive_field(model).any()


def test_a_look_into_the_future_is_found_and_marked():
    class Cheater(AutoregressiveModel):
        def __init__(self, image_shape, name=None):
            honest = pixelcnn(image_shape)
            images = keras.Input(image_shape, dtype="int32")
            later = ops.roll(ops.cast(images, "float32"), -1, axis=2)
            super().__init__(
                images,
                honest(images) + later,
                likelihood=honest.likelihood,
                config={"image_shape": image_shape},
                name=name,
            )

    drawn = format_receptive_field(receptive_field(Cheater((3, 4, 1)), 1, 1), 1, 1)
    assert drawn.split("\n")[1] == "#@!."


@pytest.mark.parametrize(
    "arguments", [{"row": 4}, {"row": -1}, {"column": 4}, {"trials": 0}, {"batch_size": 0}]
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=r"outside|positive"):
        receptive_field(pixelcnn((4, 4, 1)), **arguments)


@pytest.mark.parametrize(
    "build",
    [
        lambda: GatedPixelCNN((5, 4, 1), levels=2, filters=4, num_blocks=4, kernel_size=3),
        lambda: NADE((5, 4, 1), units=6, order=tuple(np.random.default_rng(0).permutation(20))),
        lambda: DeepNADE((5, 4, 1), units=6, activation="tanh"),
    ],
    ids=["gated", "nade", "deepnade"],
)
def test_gradients_are_those_of_the_pixels_that_come_before_and_all_of_them(build):
    model = randomized(build, seed=1)
    images = random_images(model, 6)
    gradients = input_gradients(model, images, 2, 1)
    place = np.argsort(model.order_of()).reshape(5, 4)
    np.testing.assert_array_equal(gradients > 0, place < place[2, 1])
    np.testing.assert_array_equal(receptive_field(model, 2, 1, trials=6), gradients > 0)
    assert "!" not in format_receptive_field(gradients > 0, 2, 1, model.order_of())


def test_gradients_are_differences_of_the_parameter():
    # The logit of a logistic regression is linear: its slopes are its weights.
    model = randomized(lambda: FVSBN((2, 3, 1)), seed=1)
    images = random_images(model, 3)
    changed = images.copy()
    changed[:, 0, 1] = 1 - changed[:, 0, 1]
    before, after = (
        to_numpy(model(ops.convert_to_tensor(x)))[:, 1, 1, 0] for x in (images, changed)
    )
    found = input_gradients(model, images, 1, 1)
    assert found[0, 1] == pytest.approx(np.abs(after - before).mean(), rel=1e-4)


def test_gradients_of_a_pixel_outside_or_of_a_conditional_model_are_refused():
    model = NADE((2, 3, 1), units=2)
    with pytest.raises(ValueError, match="outside"):
        input_gradients(model, random_images(model, 1), 2, 0)
    conditional = GatedPixelCNN((4, 4, 1), levels=2, filters=4, num_blocks=2, num_classes=2)
    with pytest.raises(ValueError, match="is conditional"):
        input_gradients(conditional, random_images(conditional, 1))
