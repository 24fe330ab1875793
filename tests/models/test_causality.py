"""The order of the values: nothing later is read, and everything earlier can be."""

import keras
import numpy as np
import pytest
from checks import (
    check_causal,
    check_complete,
    make_positive,
    parameters,
    random_condition,
    random_images,
    randomized,
    reach,
    to_numpy,
)
from marks import marked
from variants import CONDITIONAL, SLOW, VARIANTS, every_variant

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP, PixelRNN


@every_variant
def test_outputs_read_earlier_values_only_before_after_training_and_reloaded(build, tmp_path):
    model = build()
    check_causal(model)
    images, condition = random_images(model, 4), random_condition(model, 4)
    model.compile(keras.optimizers.SGD(0.01, clipnorm=1.0), run_eagerly=True)
    before = [to_numpy(variable) for variable in model.trainable_variables]
    model.fit(images, condition, batch_size=4, verbose=0)
    after = [to_numpy(variable) for variable in model.trainable_variables]
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
    check_causal(model, seed=1)
    model.save(tmp_path / "model.keras")
    check_causal(keras.models.load_model(tmp_path / "model.keras"), seed=2)


@pytest.mark.parametrize(
    "name", marked([x for x in VARIANTS if not x.startswith(("pixelcnn", "rnn_row"))], slow=SLOW)
)
def test_models_without_a_blind_spot_see_every_earlier_value(name):
    model = VARIANTS[name]()
    if not name.startswith(("plus_plus", "snail")):
        make_positive(model)
    check_complete(model)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_diagonal_bilstm_sees_every_earlier_value_of_a_wide_image(channels):
    # The last pixel of a row too, which no other position of that row has in its past.
    model = PixelRNN(
        (4, 9, channels),
        levels=2,
        filters=channels,
        num_blocks=1,
        first_kernel_size=3,
        head_filters=channels,
    )
    make_positive(model)
    check_complete(model)


def test_row_lstms_see_a_triangle_and_nothing_else():
    height, width, depth, first = 5, 21, 2, 1
    model = PixelRNN(
        (height, width, 1),
        levels=2,
        recurrence="row",
        filters=1,
        num_blocks=depth,
        first_kernel_size=2 * first + 1,
        head_filters=1,
    )
    make_positive(model)
    seen = reach(model)[:, (height - 1) * width + width // 2].reshape(height, width)
    for above in range(height):
        offsets = np.flatnonzero(seen[height - 1 - above]) - width // 2
        # Each row above adds a column on either side; to the left, so does each layer.
        right = above - 1 + first if above else -1
        np.testing.assert_array_equal(offsets, np.arange(-above - depth - first, right + 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_two_stacks_see_the_pixels_to_the_right_of_a_deep_image(channels):
    model = GatedPixelCNN(
        (7, 6, channels),
        levels=2,
        filters=channels,
        num_blocks=6,
        kernel_size=3,
        first_kernel_size=3,
        head_filters=channels,
    )
    make_positive(model)
    check_complete(model)


def test_three_resolutions_see_every_earlier_pixel_of_a_wide_image():
    check_complete(PixelCNNPP((8, 8, 1), filters=3, num_blocks=2, num_mixtures=1))


def test_inside_a_coarse_cell_plus_plus_sees_as_far_as_its_finest_layers_only():
    # Rows 0 and 1 share a coarse cell, so nothing coarser carries the one to the other: one
    # first layer and two convolutions in each of the 1 + 2 blocks at full resolution.
    model = PixelCNNPP((4, 16, 1), filters=3, num_blocks=1, num_mixtures=1)
    columns_seen = reach(model)[:16, 16]
    np.testing.assert_array_equal(np.flatnonzero(columns_seen), np.arange(1 + 2 * 3))


def seen_from_centre(side: int, **options) -> tuple[np.ndarray, np.ndarray]:
    model = PixelCNN((side, side, 1), levels=2, filters=1, head_filters=1, **options)
    make_positive(model)
    centre = side * side // 2
    seen = reach(model)[:, centre]
    return seen[:centre], seen[centre:]


def test_pixelcnn_is_blind_to_91_of_544_pixels_behind_seven_and_fifteen_threes():
    earlier, later = seen_from_centre(33, num_blocks=15)
    assert (earlier.sum(), earlier.size, later.sum()) == (453, 544, 0)


@pytest.mark.parametrize(("depth", "blind"), [(3, "1/8"), (5, "1/6"), (9, "1/5")])
def test_a_stack_of_threes_is_blind_to_a_known_share_of_its_box(depth, blind):
    # The first 3x3 of type A and depth - 1 of type B fill a box of depth rows above the pixel.
    side = 2 * depth + 1
    earlier, later = seen_from_centre(side, num_blocks=depth - 1, first_kernel_size=3)
    numerator, denominator = (int(part) for part in blind.split("/"))
    assert earlier.size - earlier.sum() == earlier.size * numerator / denominator
    assert not later.any()


@pytest.mark.parametrize("name", CONDITIONAL)
def test_the_condition_moves_every_output(name):
    model = randomized(VARIANTS[name])
    images = np.repeat(random_images(model, 1), 2, axis=0)
    condition = np.array([0, 2]) if model.num_classes else random_condition(model, 2)
    first, second = parameters(model, images, condition)
    assert np.all(np.any(first != second, axis=-1))


def test_a_condition_map_acts_on_its_place_and_on_no_row_above():
    model = VARIANTS["gated_map"]()
    images, condition = random_images(model, 1), random_condition(model, 1)
    changed = condition.copy()
    changed[:, 2, 3] += 1.0
    before, after = (parameters(model, images, given)[0] for given in (condition, changed))
    moved = np.any(before != after, axis=-1)
    assert moved[2, 3] and not moved[:2].any()
