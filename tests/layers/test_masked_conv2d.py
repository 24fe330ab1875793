"""The masked convolution: what it reads, and that nothing can make it read more."""

import keras
import numpy as np
import pytest
from checks import check_first_columns_suffice, check_first_rows_suffice, to_numpy
from keras import ops

from keras_ar.layers import MaskedConv2D

_SIZE = (5, 6)
SIZES = [1, 3, 5, (1, 5), (3, 1), (3, 5)]


def reads(layer, groups: int, channels_per_group: int = 2) -> np.ndarray:
    """Find what each output group reads: bool ``(row, column, group read, row, column, group)``."""
    height, width = _SIZE
    channels = groups * channels_per_group
    maps = np.eye(height * width * channels, dtype="float32")
    outputs = to_numpy(layer(maps.reshape(-1, height, width, channels))) != 0
    outputs = outputs.reshape(
        height, width, -1, groups, height, width, layer.filters // groups, groups
    )
    return outputs.any(axis=(2, 6))


def expected(kernel_size, mask_type: str, groups: int) -> np.ndarray:
    """The definition, value by value: in the window, and earlier in the order."""
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    row, column, group, out_row, out_column, out_group = np.indices(
        (*_SIZE, groups, *_SIZE, groups)
    )
    is_in_window = (abs(row - out_row) <= rows // 2) & (abs(column - out_column) <= columns // 2)
    pixel, out_pixel = row * _SIZE[1] + column, out_row * _SIZE[1] + out_column
    is_earlier_colour = group < out_group if mask_type == "A" else group <= out_group
    return is_in_window & ((pixel < out_pixel) | ((pixel == out_pixel) & is_earlier_colour))


@pytest.mark.parametrize("kernel_size", SIZES, ids=str)
@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_it_reads_exactly_the_earlier_values_of_its_window(kernel_size, mask_type, groups):
    layer = MaskedConv2D(2 * groups, kernel_size, mask_type, groups, kernel_initializer="ones")
    np.testing.assert_array_equal(reads(layer, groups), expected(kernel_size, mask_type, groups))


def test_feature_map_i_belongs_to_group_i_modulo_groups_even_where_channels_do_not_divide():
    layer = MaskedConv2D(4, 1, "B", groups=3, kernel_initializer="ones")
    read = to_numpy(layer(np.eye(5, dtype="float32").reshape(5, 1, 1, 5)))[:, 0, 0] != 0
    wanted = (np.arange(5) % 3)[:, None] <= (np.arange(4) % 3)[None]
    np.testing.assert_array_equal(read, wanted)


def test_training_and_loading_cannot_open_the_mask(tmp_path):
    model = keras.Sequential([keras.Input((*_SIZE, 6)), MaskedConv2D(6, 3, "A", groups=3)])
    model.compile(keras.optimizers.SGD(0.1), loss="mse", run_eagerly=True)
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(2, 4, *_SIZE, 6)).astype("float32")
    model.fit(inputs, targets, verbose=0)
    (layer,) = model.layers
    wanted = expected(3, "A", 3)
    np.testing.assert_array_equal(reads_without_bias(layer), wanted)
    layer.kernel.assign(ops.ones(layer.kernel.shape))
    np.testing.assert_array_equal(reads_without_bias(layer), wanted)
    model.save(tmp_path / "model.keras")
    (loaded,) = keras.models.load_model(tmp_path / "model.keras").layers
    np.testing.assert_array_equal(reads_without_bias(loaded), wanted)


def reads_without_bias(layer) -> np.ndarray:
    layer.bias.assign(ops.zeros(layer.bias.shape))
    return reads(layer, layer.groups)


@pytest.mark.parametrize("kernel_size", SIZES, ids=str)
def test_the_first_rows_suffice_and_in_a_kernel_of_one_row_the_first_columns(kernel_size):
    layer = MaskedConv2D(4, kernel_size, "B")
    inputs = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    layer.build(inputs.shape)
    layer.bias.assign(ops.ones(layer.bias.shape))
    check_first_rows_suffice(layer, inputs)
    if kernel_size in (1, (1, 5), (3, 1)):
        check_first_columns_suffice(layer, inputs)
    else:
        with pytest.raises(AssertionError):
            check_first_columns_suffice(layer, inputs)


def test_the_bias_is_added_once_or_not_at_all():
    inputs = np.zeros((1, 2, 2, 1), "float32")
    layer = MaskedConv2D(3, 3, "A")
    layer.build(inputs.shape)
    layer.bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(to_numpy(layer(inputs))[0, 1, 1], [1.0, 2.0, 3.0])
    assert len(MaskedConv2D(3, 3, "A", use_bias=False)(inputs).shape) == 4
    without = MaskedConv2D(3, 3, "A", use_bias=False)
    without.build(inputs.shape)
    assert [weight.name for weight in without.weights] == ["kernel"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 2, "A"), "kernel_size must be odd"),
        ((4, (3, 2), "A"), "kernel_size must be odd"),
        ((4, -1, "A"), "kernel_size must be odd"),
        ((4, 3, "C"), "mask_type"),
        ((2, 3, "A", 3), "colour group needs a filter"),
        ((2, 3, "A", 0), "colour group needs a filter"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskedConv2D(*arguments)


def test_inputs_with_too_few_or_other_channels_are_refused():
    with pytest.raises(ValueError, match="2 input channels cannot be split into 3"):
        MaskedConv2D(3, 3, "A", 3)(np.zeros((1, 2, 2, 2), "float32"))
    layer = MaskedConv2D(4, 3, "A")
    layer(np.zeros((1, 2, 2, 2), "float32"))
    with pytest.raises(ValueError, match="expected axis -1"):
        layer(np.zeros((1, 2, 2, 4), "float32"))


def test_a_config_rebuilds_the_layer():
    layer = MaskedConv2D(6, (1, 3), "A", 3, use_bias=False, kernel_initializer="he_normal")
    twin = MaskedConv2D.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert not twin.use_bias
    assert isinstance(twin.kernel_initializer, keras.initializers.HeNormal)
