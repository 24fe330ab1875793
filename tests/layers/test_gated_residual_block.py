"""The gated residual block of PixelCNN++: reach, dropout, saved memory, initialisation."""

import keras
import numpy as np
import pytest
from checks import (
    check_first_columns_suffice,
    check_first_rows_suffice,
    to_numpy,
    value_and_gradients,
)
from keras import ops

from keras_ar.layers import (
    GatedResidualBlock,
    ShiftedConv2D,
    ShiftedConv2DTranspose,
    concat_elu,
    data_dependent_initialization,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize(("kernel_size", "reach"), [((2, 3), "down"), ((2, 2), "down_right")])
def test_the_first_rows_and_where_legal_the_first_columns_suffice(kernel_size, reach):
    block = GatedResidualBlock(kernel_size, reach)
    inputs, auxiliary = normal(2, 6, 6, 4), normal(2, 6, 6, 8, seed=1)
    check_first_rows_suffice(block, inputs, auxiliary)
    if reach == "down_right":
        check_first_columns_suffice(block, inputs, auxiliary)


def test_concat_elu_is_elu_of_both_signs_on_the_last_axis():
    inputs = normal(2, 3)
    elu = np.where(inputs > 0, inputs, np.expm1(inputs))
    of_negative = np.where(inputs < 0, -inputs, np.expm1(-inputs))
    expected = np.concatenate([elu, of_negative], axis=-1)
    np.testing.assert_allclose(to_numpy(concat_elu(inputs)), expected, rtol=1e-5)


def test_concat_elu_is_accurate_in_bfloat16_and_keeps_the_dtype():
    inputs = ops.cast(normal(2, 300) * 3, "bfloat16")
    outputs = concat_elu(inputs)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    expected = to_numpy(concat_elu(ops.cast(inputs, "float32")))
    np.testing.assert_allclose(to_numpy(ops.cast(outputs, "float32")), expected, rtol=2**-8)


def test_recomputed_activations_give_the_plain_gradient():
    block = GatedResidualBlock((2, 2), dropout=0.0)
    inputs = ops.convert_to_tensor(normal(2, 4, 4, 3))
    auxiliary, condition = normal(2, 4, 4, 5, seed=1), normal(2, 2, seed=2)
    block(inputs, auxiliary, condition)

    def loss(training):
        return ops.sum(ops.square(block(inputs, auxiliary, condition, training=training)))

    # Outside of training nothing is recomputed.
    value, gradients = value_and_gradients(lambda: loss(False), block.trainable_variables)
    again, recomputed = value_and_gradients(lambda: loss(True), block.trainable_variables)
    assert value == pytest.approx(again, rel=1e-6)
    for variable, plain, other in zip(
        block.trainable_variables, gradients, recomputed, strict=True
    ):
        np.testing.assert_allclose(plain, other, rtol=1e-4, atol=1e-5, err_msg=variable.path)
        assert np.any(plain != 0), f"{variable.path} has no gradient."


def transparent_block(dropout=0.3):
    """Build a block that adds 3 to every value, unless it is dropped."""
    block = GatedResidualBlock((1, 1), dropout=dropout)
    block.build((1, 100, 100, 1))
    block.first.bias.assign([3.0])
    block.first.gain.assign([0.0])
    direction = np.zeros((1, 1, 2, 2), "float32")
    direction[0, 0, 0, 0] = 1.0  # The value is the first half of the concatenated ELU ...
    block.second.direction_kernel.assign(direction)
    block.second.bias.assign([0.0, 100.0])  # ... and its gate is wide open.
    return block


# A fraction that 8 random bits hit exactly, and fractions that they would miss.
@pytest.mark.parametrize("dropout", [0.5, 0.3, 0.001])
def test_dropout_drops_the_stated_fraction_in_training_and_nothing_else(dropout):
    block = transparent_block(dropout)
    inputs = np.zeros((9, 100, 100, 1), "float32")
    np.testing.assert_allclose(to_numpy(block(inputs)), 3.0, rtol=1e-6)
    first, second = (to_numpy(block(inputs, training=True)) for _ in range(2))
    is_dropped = first == 0.0
    np.testing.assert_allclose(first[~is_dropped], 3.0 / (1.0 - dropout), rtol=1e-5)
    assert abs(is_dropped.mean() - dropout) < 5 * np.sqrt(dropout * (1 - dropout) / 90_000)
    assert np.any(first != second), "The same values are dropped in every step."


def test_every_value_is_dropped_independently_of_its_neighbours():
    block = GatedResidualBlock((1, 1))
    block.build((1, 64, 64, 3))  # Six channels behind the ELU: not a multiple of four.
    kept = to_numpy(block._draw_kept(np.zeros((2, 64, 64, 3), "float32"), 0.5))
    assert kept.shape == (2, 64, 64, 6)
    correlation = np.corrcoef(kept.reshape(-1, 6).astype("float32"), rowvar=False)
    np.testing.assert_allclose(correlation, np.eye(6), atol=5 / np.sqrt(2 * 64 * 64))


def test_the_backward_pass_drops_what_the_forward_pass_dropped():
    block = transparent_block()
    inputs = ops.zeros((1, 100, 100, 1))
    total, (slope,) = value_and_gradients(
        lambda: ops.sum(block(inputs, training=True)), [block.second.gain]
    )
    # The outputs are the gain, 1, times what was not dropped.
    assert slope[0] == pytest.approx(total, rel=1e-4)


def test_the_condition_moves_every_pixel_alike():
    block = GatedResidualBlock((2, 2))
    inputs, condition = np.zeros((1, 3, 3, 4), "float32"), normal(1, 2)
    outputs = to_numpy(block(inputs, condition=condition))
    assert np.any(outputs != 0)
    np.testing.assert_array_equal(outputs, np.broadcast_to(outputs[:, :1, :1], outputs.shape))


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_dropout_that_is_no_fraction_is_refused(dropout):
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\)"):
        GatedResidualBlock((2, 2), dropout=dropout)


@pytest.mark.parametrize("dropout", [1.0 - 2.0**-17, 0.9999999])
def test_a_dropout_that_random_bits_would_round_to_all_is_refused(dropout):
    with pytest.raises(ValueError, match="too near 1"):
        GatedResidualBlock((2, 2), dropout=dropout)


@pytest.mark.parametrize("dropout", [0.999, np.nextafter(1.0 - 2.0**-17, 0.0)])
def test_the_largest_dropouts_keep_next_to_nothing(dropout):
    block = GatedResidualBlock((1, 1), dropout=dropout)
    kept = to_numpy(block._draw_kept(np.zeros((9, 100, 100, 1), "float32"), dropout))
    # A threshold beyond the range of the random numbers would keep all.
    assert kept.mean() < 0.002


def test_a_config_rebuilds_the_layer_and_its_file_the_outputs(tmp_path):
    inputs = keras.Input((4, 5, 3)), keras.Input((4, 5, 2)), keras.Input((2,))
    block = GatedResidualBlock((2, 3), "down", dropout=0.25)
    model = keras.Model(inputs, block(*inputs))
    arrays = [normal(1, 4, 5, 3), normal(1, 4, 5, 2), normal(1, 2)]
    model.save(tmp_path / "block.keras")
    loaded = keras.models.load_model(tmp_path / "block.keras")
    np.testing.assert_array_equal(to_numpy(loaded(arrays)), to_numpy(model(arrays)))
    assert loaded.layers[-1].dropout == 0.25


# Weight normalisation -------------------------------------------------------------------------


@pytest.mark.parametrize("layer_class", [ShiftedConv2D, ShiftedConv2DTranspose])
@pytest.mark.parametrize("init_scale", [1.0, 0.1])
def test_data_dependent_initialisation_sets_mean_and_deviation(layer_class, init_scale):
    layer = layer_class(5, (2, 2), weight_norm=True, init_scale=init_scale)
    inputs = normal(8, 6, 6, 3) * 3.0 + 2.0
    assert layer(inputs) is not None and layer.is_pristine()
    with data_dependent_initialization():
        during = to_numpy(layer(inputs))
    after = to_numpy(layer(inputs))
    np.testing.assert_allclose(during, after, atol=1e-4 * init_scale)
    np.testing.assert_allclose(after.mean((0, 1, 2)), 0.0, atol=1e-4 * init_scale)
    np.testing.assert_allclose(after.std((0, 1, 2)), init_scale, rtol=1e-3)
    assert not layer.is_pristine()


@pytest.mark.parametrize("layer_class", [ShiftedConv2D, ShiftedConv2DTranspose])
def test_the_length_of_a_direction_does_not_matter_and_the_gain_is_the_length(layer_class):
    layer = layer_class(3, (2, 2), weight_norm=True)
    inputs = normal(1, 4, 4, 2)
    before = to_numpy(layer(inputs))
    layer.direction_kernel.assign(layer.direction_kernel * 7.0)
    np.testing.assert_allclose(to_numpy(layer(inputs)), before, rtol=1e-4, atol=1e-5)
    layer.gain.assign([1.0, 2.0, 0.5])
    np.testing.assert_allclose(
        to_numpy(layer(inputs)), before * [1.0, 2.0, 0.5], rtol=1e-4, atol=1e-5
    )
    output_axis = 3 if layer_class is ShiftedConv2D else 2
    axes = tuple(axis for axis in range(4) if axis != output_axis)
    lengths = np.sqrt(np.sum(np.square(to_numpy(layer.effective_kernel)), axis=axes))
    np.testing.assert_allclose(lengths, [1.0, 2.0, 0.5], rtol=1e-5)


@pytest.mark.parametrize("layer_class", [ShiftedConv2D, ShiftedConv2DTranspose])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_gradient_of_direction_and_gain_is_that_of_differences(layer_class, policy):
    layer = layer_class(3, (2, 2), weight_norm=True, dtype=policy)
    layer.build((None, 4, 4, 2))
    direction, gain = normal(*layer.direction_kernel.shape), normal(3)
    layer.direction_kernel.assign(direction)
    layer.gain.assign(gain)
    upstream = normal(*direction.shape, seed=1)
    axes = layer._reduced_axes

    def loss(direction, gain):
        norm = np.sqrt(np.sum(np.square(direction), axis=axes, keepdims=True))
        return np.sum(upstream * gain.reshape(layer._gain_shape) * direction / norm)

    def differences(place):
        arrays = [array.astype("float64") for array in (direction, gain)]
        slopes = np.empty(arrays[place].shape)
        for index in np.ndindex(slopes.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [array.copy() for array in arrays]
                moved[place][index] += step
                ends.append(loss(*moved))
            slopes[index] = (ends[0] - ends[1]) / 2e-5
        return slopes

    _, gradients = value_and_gradients(
        lambda: ops.sum(ops.cast(layer.effective_kernel, "float32") * upstream),
        [layer.direction_kernel, layer.gain],
    )
    tolerance = 1e-5 if policy == "float32" else 2e-2
    for place, gradient in enumerate(gradients):
        np.testing.assert_allclose(gradient, differences(place), rtol=tolerance, atol=tolerance)


def test_initialisation_ends_with_its_context_even_after_an_error():
    layer = ShiftedConv2D(2, (1, 1), weight_norm=True)
    inputs = normal(2, 3, 3, 2)
    with pytest.raises(RuntimeError, match="interrupted"), data_dependent_initialization():
        raise RuntimeError("interrupted")
    layer(inputs)
    assert layer.is_pristine()
