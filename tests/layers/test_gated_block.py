"""The gated block: two stacks that see everything before a value and nothing else."""

import keras
import numpy as np
import pytest
from checks import check_first_columns_suffice, check_first_rows_suffice, to_numpy
from keras import ops

from keras_ar.layers import GatedBlock


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def positive_blocks(groups, count, kernel_size=3):
    """Build blocks in which no path cancels another and nothing is seen in zeros."""
    blocks = [
        GatedBlock(2 * groups, kernel_size, "A" if index == 0 else "B", groups)
        for index in range(count)
    ]
    vertical = horizontal = np.zeros((1, 4, 5, groups), "float32")
    for block in blocks:
        vertical, horizontal = block(vertical, horizontal)
        for weight in block.trainable_weights:
            if len(weight.shape) == 4:
                weight.assign(ops.abs(weight) + 0.01)
    return blocks


@pytest.mark.parametrize("groups", [1, 3])
def test_the_stacks_see_the_rows_above_and_everything_earlier(groups):
    height, width = 4, 5
    vertical = horizontal = np.eye(height * width * groups, dtype="float32").reshape(
        -1, height, width, groups
    )
    for block in positive_blocks(groups, 5):
        vertical, horizontal = block(vertical, horizontal)
    row, column, group, out_row, out_column, out_group = np.indices(
        (height, width, groups, height, width, groups)
    )

    def seen(outputs):
        split = to_numpy(outputs).reshape(*row.shape[:5], 2, groups) != 0
        return split.any(axis=5)

    np.testing.assert_array_equal(seen(vertical), row < out_row)
    order, out_order = (
        (r * width + c) * groups + g
        for r, c, g in ((row, column, group), (out_row, out_column, out_group))
    )
    np.testing.assert_array_equal(seen(horizontal), order < out_order)


def test_the_horizontal_stack_is_not_read_by_the_vertical_one():
    block = GatedBlock(4, 3, "B")
    vertical, horizontal = normal(1, 4, 4, 4), normal(1, 4, 4, 4, seed=1)
    first, moved = block(vertical, horizontal)
    second, other = block(vertical, horizontal + 1.0)
    np.testing.assert_array_equal(to_numpy(first), to_numpy(second))
    assert np.any(to_numpy(moved) != to_numpy(other))


@pytest.mark.parametrize(("mask_type", "is_residual"), [("A", False), ("B", True)])
def test_only_blocks_of_type_b_add_the_horizontal_input(mask_type, is_residual):
    block = GatedBlock(4, 3, mask_type)
    inputs = normal(1, 3, 3, 4)
    block(inputs, inputs)
    for weight in block.trainable_weights:
        weight.assign(ops.zeros(weight.shape))
    vertical, horizontal = (to_numpy(outputs) for outputs in block(inputs, inputs))
    np.testing.assert_array_equal(horizontal, inputs if is_residual else np.zeros_like(inputs))
    assert not vertical.any()


@pytest.mark.parametrize("condition", [None, (3,), (6, 5, 3)], ids=str)
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_the_first_rows_suffice(mask_type, condition):
    block = GatedBlock(4, 3, mask_type)
    inputs = [normal(2, 6, 5, 4), normal(2, 6, 5, 4, seed=1)]
    if condition == (3,):
        vector = normal(2, 3, seed=2)

        def stacks(vertical, horizontal):
            return ops.concatenate(block(vertical, horizontal, vector), axis=-1)
    else:
        inputs += [] if condition is None else [normal(2, *condition, seed=2)]

        def stacks(*given):
            return ops.concatenate(block(*given), axis=-1)

    stacks(*inputs)
    stacks.name = block.name
    check_first_rows_suffice(stacks, *inputs)
    with pytest.raises(AssertionError):
        check_first_columns_suffice(stacks, *inputs)


def test_a_condition_vector_equals_a_map_that_is_the_same_everywhere():
    block = GatedBlock(4, 3, "B")
    vertical, horizontal, vector = normal(2, 3, 3, 4), normal(2, 3, 3, 4, seed=1), normal(2, 3)
    everywhere = np.broadcast_to(vector[:, None, None], (2, 3, 3, 3))
    for one, other in zip(
        block(vertical, horizontal, vector),
        block(vertical, horizontal, everywhere.copy()),
        strict=True,
    ):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-5, atol=1e-6)


def test_filters_that_the_colours_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="divisible by the colour groups"):
        GatedBlock(4, 3, "A", groups=3)
    with pytest.raises(ValueError, match="odd"):
        GatedBlock(4, 2, "A")
    with pytest.raises(ValueError, match="mask_type"):
        GatedBlock(4, 3, "D")


def test_a_config_rebuilds_the_layer_and_its_file_the_outputs(tmp_path):
    inputs = keras.Input((4, 5, 3)), keras.Input((4, 5, 3)), keras.Input((2,))
    model = keras.Model(inputs, GatedBlock(6, 5, "A", groups=3)(*inputs))
    arrays = [normal(1, 4, 5, 3), normal(1, 4, 5, 3, seed=1), normal(1, 2)]
    model.save(tmp_path / "block.keras")
    loaded = keras.models.load_model(tmp_path / "block.keras")
    for one, other in zip(model(arrays), loaded(arrays), strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other))
