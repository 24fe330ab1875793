"""The second execution of every causal layer equals its ``call``, borders included."""

import numpy as np
import pytest
from checks import check_pixel_steps_equal_call, check_row_steps_equal_call

from keras_ar.layers import MaskedConv2D, Shift2D, ShiftedConv2D, ShiftedConv2DTranspose

WITHIN_ROWS = {
    "masked_a": lambda: MaskedConv2D(4, 5, "A"),
    "masked_a_colour": lambda: MaskedConv2D(6, 3, "A", 3),
    "masked_b": lambda: MaskedConv2D(4, 3, "B"),
    "masked_b_colour": lambda: MaskedConv2D(6, (3, 5), "B", 3),
    "masked_row": lambda: MaskedConv2D(4, (1, 5), "A"),
    "masked_pixel": lambda: MaskedConv2D(4, 1, "B", use_bias=False),
    "shift_right": lambda: Shift2D("right"),
    "down_right": lambda: ShiftedConv2D(4, (2, 2)),
    "down_right_large": lambda: ShiftedConv2D(4, (3, 4), weight_norm=True),
    "pixel": lambda: ShiftedConv2D(4, (1, 1), weight_norm=True),
    "column": lambda: ShiftedConv2D(4, (2, 1), "down"),
    "strided": lambda: ShiftedConv2D(4, (2, 2), strides=2, weight_norm=True),
    "strided_large": lambda: ShiftedConv2D(4, (3, 3), strides=2),
    "transposed": lambda: ShiftedConv2DTranspose(4, (2, 2), weight_norm=True),
    "transposed_large": lambda: ShiftedConv2DTranspose(4, (3, 4)),
    "transposed_small": lambda: ShiftedConv2DTranspose(4, (1, 1)),
    "transposed_three": lambda: ShiftedConv2DTranspose(4, (4, 2), strides=3),
}
WHOLE_ROWS = {
    "shift_down": lambda: Shift2D("down"),
    "down": lambda: ShiftedConv2D(4, (2, 3), "down", weight_norm=True),
    "down_strided": lambda: ShiftedConv2D(4, (2, 3), "down", strides=2),
    "down_large": lambda: ShiftedConv2D(4, (4, 5), "down"),
    "transposed_down": lambda: ShiftedConv2DTranspose(4, (2, 3), "down", weight_norm=True),
    "transposed_down_large": lambda: ShiftedConv2DTranspose(4, (5, 3), "down"),
}


def build_layer_and_inputs(build):
    rng = np.random.default_rng(0)
    layer, inputs = build(), rng.normal(size=(2, 4, 6, 3)).astype("float32")
    layer.build(inputs.shape)
    for weight in layer.weights:
        # Not zero: a bias must show where it leaks.
        weight.assign(rng.normal(loc=0.5, size=weight.shape))
    return layer, inputs


@pytest.mark.parametrize("build", (WITHIN_ROWS | WHOLE_ROWS).values(), ids=WITHIN_ROWS | WHOLE_ROWS)
def test_steps_over_rows_equal_call(build):
    check_row_steps_equal_call(*build_layer_and_inputs(build))


@pytest.mark.parametrize("build", WITHIN_ROWS.values(), ids=WITHIN_ROWS)
def test_steps_over_pixels_equal_call(build):
    layer, inputs = build_layer_and_inputs(build)
    assert layer.steps_within_row
    check_pixel_steps_equal_call(layer, inputs)


@pytest.mark.parametrize("build", WHOLE_ROWS.values(), ids=WHOLE_ROWS)
def test_layers_that_read_to_the_right_do_not_claim_to_step_over_pixels(build):
    layer, _ = build_layer_and_inputs(build)
    assert not layer.steps_within_row


@pytest.mark.parametrize(
    ("build", "direction"),
    [
        (lambda: Shift2D("right"), "column"),
        (lambda: Shift2D("down"), "row"),
        (lambda: MaskedConv2D(4, 3, "A"), "column"),
        (lambda: MaskedConv2D(4, 3, "B"), None),
        (lambda: MaskedConv2D(6, 3, "A", 3), None),
    ],
)
def test_a_layer_with_a_delay_does_not_look_at_the_present(build, direction):
    layer, inputs = build_layer_and_inputs(build)
    assert layer.delay == direction
    other = inputs.copy()
    other[:, 2] += 1.0 if direction == "row" else 0.0
    other[:, 2, 3] += 1.0
    before, after = np.asarray(layer(inputs)), np.asarray(layer(other))
    changed = np.any(before != after, axis=(0, 3))
    assert changed.any()
    if direction == "row":
        assert not changed[:3].any()
    elif direction == "column":
        assert not changed[2, 3]
    else:
        assert changed[2, 3]


def test_folding_restores_the_layer_also_after_an_error():
    from keras_ar.layers.stepped_conv2d import folded_kernels

    layer, inputs = build_layer_and_inputs(lambda: ShiftedConv2D(4, (2, 2), weight_norm=True))
    wanted = np.asarray(layer(inputs))
    with pytest.raises(RuntimeError), folded_kernels([layer], [layer.effective_kernel * 0.0]):
        assert np.ptp(np.asarray(layer(inputs))) < np.ptp(wanted)
        raise RuntimeError
    np.testing.assert_array_equal(np.asarray(layer(inputs)), wanted)
