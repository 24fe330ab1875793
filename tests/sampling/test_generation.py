"""Generation: seeds, known pixels, temperature and noise."""

import numpy as np
import pytest
from checks import random_images, randomized

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP
from keras_ar.sampling import uniform_noise

_MODELS = {
    "pixelcnn": lambda: PixelCNN(
        (3, 4, 3), levels=4, filters=6, num_blocks=1, first_kernel_size=3, head_filters=6
    ),
    "gated": lambda: GatedPixelCNN(
        (4, 3, 1), levels=8, filters=4, num_blocks=2, first_kernel_size=3, head_filters=8
    ),
    "plus_plus": lambda: PixelCNNPP((4, 4, 3), filters=4, num_blocks=1, num_mixtures=2),
}


# Compiling the deep one for every size of batch takes seconds.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name == "plus_plus" else ())
        for name in _MODELS
    ],
)
def model(request):
    return randomized(_MODELS[request.param], scale=0.5)


def test_the_same_seed_gives_the_same_bits_and_another_one_others(model):
    first, again, other = (model.sample(3, seed=seed, verbose=False) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    fresh = [model.sample(3, verbose=False) for _ in range(2)]
    assert np.any(fresh[0] != fresh[1])


def test_the_first_images_do_not_depend_on_how_many_follow(model):
    few, many = (model.sample(count, seed=1, verbose=False) for count in (2, 5))
    np.testing.assert_array_equal(few, many[:2])
    assert np.any(many[0] != many[1])


def test_samples_are_integers_of_the_image_shape(model):
    images = model.sample(2, seed=0, verbose=False)
    assert images.dtype == np.uint8
    assert images.shape == (2, *model.image_shape)
    assert images.max() < model.likelihood.levels


@pytest.mark.parametrize("is_per_image", [False, True])
def test_known_pixels_never_change_and_unknown_ones_are_drawn(model, is_per_image):
    height, width, _ = model.image_shape
    rng = np.random.default_rng(0)
    known = rng.random((4, height, width) if is_per_image else (height, width)) < 0.5
    images = random_images(model, 4)
    completed = model.complete(images, known, seed=1, verbose=False)
    each = np.broadcast_to(known, (4, height, width))
    np.testing.assert_array_equal(completed[each], images[each])
    assert np.any(completed[~each] != images[~each])


def test_what_stands_at_unknown_pixels_does_not_matter(model):
    known = np.zeros(model.image_shape[:2], bool)
    known[0, :2] = known[2, 1] = True
    images = random_images(model, 2)
    other = np.where(known[..., None], images, random_images(model, 2, seed=9)).astype("uint8")
    assert np.any(images != other)
    first, second = (model.complete(x, known, seed=1, verbose=False) for x in (images, other))
    np.testing.assert_array_equal(first, second)


def test_a_wholly_known_image_is_returned_and_a_wholly_unknown_one_is_sampled(model):
    images = random_images(model, 2)
    everything = np.ones(model.image_shape[:2], bool)
    np.testing.assert_array_equal(model.complete(images, everything, verbose=False), images)
    np.testing.assert_array_equal(
        model.complete(images, ~everything, seed=3, verbose=False),
        model.sample(2, seed=3, verbose=False),
    )


def test_a_very_low_temperature_draws_the_same_image_every_time(model):
    cold = model.sample(20, seed=1, temperature=1e-7, verbose=False)
    assert len(np.unique(cold, axis=0)) == 1
    assert len(np.unique(model.sample(20, seed=1, verbose=False), axis=0)) > 10


def test_noise_lies_strictly_between_0_and_1_and_is_uniform():
    noise = uniform_noise((100_000,), seed=0)
    assert noise.dtype == np.float32
    assert 0 < noise.min() < 1e-3 and 1 - 1e-3 < noise.max() < 1
    counts = np.bincount((noise * 10).astype(int), minlength=10)
    assert np.all(np.abs(counts - 10_000) < 500)
    # The ends of the interval, which no seed is likely to hit.
    ends = (np.array([0, 2**23 - 1]) + 0.5) / 2**23
    assert np.all((ends.astype("float32") > 0) & (ends.astype("float32") < 1))


def test_more_than_256_levels_are_sampled_as_wider_integers():
    model = PixelCNN((2, 3, 1), levels=1000, filters=2, num_blocks=1, head_filters=2)
    images = model.sample(4, seed=0, verbose=False)
    assert images.dtype == np.uint16
    assert images.max() > 255
