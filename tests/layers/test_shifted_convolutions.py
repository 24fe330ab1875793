"""Shifts, shifted convolutions and their transposed counterparts: what each output reads."""

import keras
import numpy as np
import pytest
from checks import check_first_columns_suffice, check_first_rows_suffice, to_numpy

from keras_ar.layers import PixelScaling, Shift2D, ShiftedConv2D, ShiftedConv2DTranspose

REACHES = [((2, 3), "down"), ((1, 3), "down"), ((2, 2), "down_right"), ((2, 1), "down_right")]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(layer, shape):
    layer.build(shape)
    for index, weight in enumerate(layer.weights):
        weight.assign(1.0 + normal(*weight.shape, seed=index))
    return layer


def reads(layer, height, width):
    """Find what each output pixel reads: bool ``(row, column, output row, output column)``."""
    layer.build((None, height, width, 1))
    impulses = np.eye(height * width, dtype="float32").reshape(-1, height, width, 1)
    outputs = np.any(to_numpy(layer(impulses)) != 0, axis=-1)
    return outputs.reshape(height, width, *outputs.shape[1:])


@pytest.mark.parametrize(("kernel_size", "reach"), REACHES)
@pytest.mark.parametrize("strides", [1, 2])
def test_a_shifted_convolution_reads_its_window_up_to_its_first_pixel(kernel_size, reach, strides):
    found = reads(ShiftedConv2D(2, kernel_size, reach, strides), 5, 6)
    assert found.shape[2:] == (-(-5 // strides), 6 // strides)
    row, column, out_row, out_column = np.indices(found.shape)
    up = out_row * strides - row
    left = out_column * strides - column
    side = kernel_size[1] // 2
    is_beside = abs(left) <= side if reach == "down" else (left >= 0) & (left < kernel_size[1])
    np.testing.assert_array_equal(found, (up >= 0) & (up < kernel_size[0]) & is_beside)


@pytest.mark.parametrize(("kernel_size", "reach"), REACHES)
@pytest.mark.parametrize("strides", [1, 2])
def test_a_transposed_convolution_reads_no_later_cell_than_its_own(kernel_size, reach, strides):
    found = reads(ShiftedConv2DTranspose(2, kernel_size, reach, strides), 3, 4)
    assert found.shape[2:] == (3 * strides, 4 * strides)
    row, column, out_row, out_column = np.indices(found.shape)
    # A cell is spread from its first pixel on: down, and to both sides or to the right.
    down = out_row - row * strides
    right = out_column - column * strides
    side = kernel_size[1] // 2
    is_beside = abs(right) <= side if reach == "down" else (right >= 0) & (right < kernel_size[1])
    np.testing.assert_array_equal(found, (down >= 0) & (down < kernel_size[0]) & is_beside)


@pytest.mark.parametrize(("kernel_size", "reach"), REACHES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("weight_norm", [False, True])
def test_the_first_rows_and_where_legal_the_first_columns_suffice(
    kernel_size, reach, strides, weight_norm
):
    inputs = normal(2, 6, 6, 3)
    for layer_class, scale in ((ShiftedConv2D, 1 / strides), (ShiftedConv2DTranspose, strides)):
        layer = with_random_weights(
            layer_class(2, kernel_size, reach, strides, weight_norm=weight_norm), inputs.shape
        )
        check_first_rows_suffice(layer, inputs, scale=scale)
        if reach == "down_right":
            check_first_columns_suffice(layer, inputs)


def test_a_shift_moves_by_one_and_its_first_line_is_zero_whatever_the_bias():
    inputs = normal(1, 3, 4, 2) + 5.0
    down, right = (to_numpy(Shift2D(way)(inputs)) for way in ("down", "right"))
    np.testing.assert_array_equal(down[:, 1:], inputs[:, :-1])
    np.testing.assert_array_equal(right[:, :, 1:], inputs[:, :, :-1])
    assert not down[:, 0].any() and not right[:, :, 0].any()
    check_first_rows_suffice(Shift2D("down"), inputs, rows=2)
    check_first_columns_suffice(Shift2D("right"), inputs, columns=2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Shift2D("up"), 'must be "down" or "right"'),
        (lambda: ShiftedConv2D(2, (2, 2), "down"), "odd width"),
        (lambda: ShiftedConv2D(2, (2, 2), "left"), "reach must be"),
        (lambda: ShiftedConv2DTranspose(2, (2, 2), "down"), "odd width"),
        (lambda: ShiftedConv2DTranspose(2, (2, 2), "up"), "reach must be"),
        (lambda: PixelScaling(1), "at least 2 intensity levels"),
    ],
)
def test_impossible_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("layer_class", [ShiftedConv2D, ShiftedConv2DTranspose])
def test_other_channels_than_those_it_was_built_for_are_refused(layer_class):
    layer = layer_class(2, (2, 2))
    layer(np.zeros((1, 4, 4, 2), "float32"))
    with pytest.raises(ValueError, match="expected axis -1"):
        layer(np.zeros((1, 4, 4, 4), "float32"))


@pytest.mark.parametrize(
    "layer",
    [
        ShiftedConv2D(3, (2, 3), "down", 2, weight_norm=True, init_scale=0.3),
        ShiftedConv2DTranspose(3, (2, 2), strides=1, weight_norm=True, init_scale=0.3),
        Shift2D("right"),
        PixelScaling(16, ones_channel=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_config_rebuilds_the_layer_and_its_file_the_outputs(layer, tmp_path):
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((4, 4, 2)), layer])
    inputs = np.abs(normal(1, 4, 4, 2))
    model.save(tmp_path / "layer.keras")
    loaded = keras.models.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(to_numpy(loaded(inputs)), to_numpy(model(inputs)))
    assert loaded.output_shape == model.output_shape == (None, *model(inputs).shape[1:])


@pytest.mark.parametrize("levels", [2, 16, 256])
def test_scaling_maps_the_levels_evenly_onto_minus_one_to_one(levels):
    scaled = to_numpy(PixelScaling(levels)(np.arange(levels).reshape(1, 1, -1, 1))).ravel()
    np.testing.assert_allclose(scaled, np.linspace(-1, 1, levels), atol=1e-6)
    with_ones = to_numpy(PixelScaling(levels, ones_channel=True)(np.zeros((1, 2, 2, 3), "int32")))
    np.testing.assert_array_equal(with_ones[0, 0, 0], [-1, -1, -1, 1])
