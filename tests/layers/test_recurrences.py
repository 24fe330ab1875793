"""The layers of PixelRNN: their recurrence, its gradient, its steps, and what they refuse."""

import keras
import numpy as np
import pytest
from checks import (
    check_first_columns_suffice,
    check_first_rows_suffice,
    check_pixel_steps_equal_call,
    check_row_steps_equal_call,
    to_numpy,
    value_and_gradients,
)
from keras import ops

from keras_ar.layers import (
    DiagonalBiLSTM,
    DiagonalRecurrence,
    LineLSTMCell,
    MaskedConv2D,
    RowLSTM,
    RowRecurrence,
)
from keras_ar.layers.lstm_scan import lstm_scan, lstm_states
from keras_ar.layers.skew import skew, unskew

WITHIN_ROWS = {
    "row": lambda: RowRecurrence(3),
    "row_of_one": lambda: RowRecurrence(3, 1),
    "row_wide": lambda: RowRecurrence(3, 5),
    "to_right": lambda: DiagonalRecurrence(3, "right"),
}
RECURRENCES = WITHIN_ROWS | {"to_left": lambda: DiagonalRecurrence(3, "left")}
every_recurrence = pytest.mark.parametrize("build", RECURRENCES.values(), ids=RECURRENCES)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def build_layer_and_inputs(build, height=4, width=5, channels=12):
    layer, inputs = build(), random(2, height, width, channels)
    layer.build(inputs.shape)
    for weight in layer.weights:
        # The initial state too: it must be that of every row.
        weight.assign(random(*weight.shape, seed=1) * 0.7)
    return layer, inputs


@pytest.mark.parametrize("size", [(4, 5), (1, 4), (4, 1), (1, 1)], ids=str)
@every_recurrence
def test_steps_over_rows_equal_call(build, size):
    check_row_steps_equal_call(*build_layer_and_inputs(build, *size))


@pytest.mark.parametrize("build", WITHIN_ROWS.values(), ids=WITHIN_ROWS)
def test_steps_over_pixels_equal_call(build):
    layer, inputs = build_layer_and_inputs(build)
    assert layer.steps_within_row
    check_pixel_steps_equal_call(layer, inputs)


def test_the_way_to_the_left_is_the_mirror_image_of_the_way_to_the_right():
    right, inputs = build_layer_and_inputs(lambda: DiagonalRecurrence(3))
    left, _ = build_layer_and_inputs(lambda: DiagonalRecurrence(3, "left"))
    assert not left.steps_within_row
    np.testing.assert_array_equal(
        to_numpy(left(inputs[:, :, ::-1]))[:, :, ::-1], to_numpy(right(inputs))
    )


@pytest.mark.parametrize("build", [lambda: RowLSTM(3, groups=1), lambda: DiagonalBiLSTM(3)])
def test_layers_read_no_row_below(build):
    check_first_rows_suffice(*build_layer_and_inputs(build, height=6, channels=4))


def test_the_way_to_the_right_reads_nothing_to_the_right():
    layer, inputs = build_layer_and_inputs(lambda: DiagonalRecurrence(3), width=6)
    check_first_columns_suffice(layer, inputs)


def test_a_diagonal_bilstm_reads_all_of_the_row_above_and_its_own_row_up_to_the_pixel():
    layer, inputs = build_layer_and_inputs(lambda: DiagonalBiLSTM(3), channels=2)
    before = to_numpy(layer(inputs))
    for row, column in np.ndindex(*inputs.shape[1:3]):
        changed = inputs.copy()
        changed[:, row, column] += 1.0
        moved = np.any(to_numpy(layer(changed)) != before, axis=(0, 3))
        below = np.arange(4)[:, None] > row
        right = np.arange(5) >= column
        np.testing.assert_array_equal(moved, below | (np.arange(4)[:, None] == row) & right)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("build", [RowLSTM, DiagonalBiLSTM])
def test_colours_of_a_pixel_stay_in_order_in_every_gate(build, groups):
    # Five maps: the colours of a gate do not begin where those of the gate before end.
    layer, inputs = build_layer_and_inputs(lambda: build(5, groups=groups), channels=4)
    before = to_numpy(layer(inputs))
    for channel in range(4):
        changed = inputs.copy()
        changed[:, 2, 3, channel] += 1.0
        moved = np.any(to_numpy(layer(changed))[:, 2, 3] != before[:, 2, 3], axis=0)
        np.testing.assert_array_equal(moved, np.arange(5) % groups >= channel % groups)


def test_keras_runs_the_cell_with_the_same_result():
    layer, inputs = build_layer_and_inputs(lambda: RowRecurrence(3))
    rows = keras.Input((4, 5 * 12))
    rnn = keras.layers.RNN(LineLSTMCell(3), return_sequences=True)
    model = keras.Model(rows, rnn(rows))
    rnn.cell.set_weights(layer.cell.get_weights())
    found = to_numpy(model(inputs.reshape(2, 4, 5 * 12))).reshape(2, 4, 5, 3)
    np.testing.assert_allclose(found, to_numpy(layer(inputs)), atol=1e-6)


@pytest.mark.parametrize("reach", [(1, 1), (1, 0), (0, 0), (2, 2)], ids=str)
def test_the_written_gradient_is_that_of_automatic_differentiation(reach):
    shapes = [(4, 2, 3, 8), (2 * (sum(reach) + 1), 8), (2,)]
    variables = [keras.Variable(random(*shape, seed=2)) for shape in shapes]
    weights = random(4, 2, 3, 2, seed=3)

    def differentiate(run):
        return value_and_gradients(
            lambda: ops.sum(weights * run(*(v.value for v in variables))), variables
        )

    value, gradients = differentiate(lambda *given: lstm_scan(*given, reach))
    wanted, automatic = differentiate(lambda *given: lstm_states(*given, reach)[0])
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    for found, expected in zip(gradients, automatic, strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(3, 4), (4, 2), (1, 3), (3, 1)])
def test_a_skewed_map_has_each_row_one_column_further_right_and_comes_back(height, width):
    maps, filler = random(2, height, width, 3), random(3)
    skewed = to_numpy(skew(maps, filler))
    wanted = np.broadcast_to(filler, skewed.shape).copy()
    for row in range(height):
        wanted[:, row, row : row + width] = maps[:, row]
    np.testing.assert_array_equal(skewed, wanted)
    np.testing.assert_array_equal(to_numpy(unskew(skewed)), maps)


def test_every_row_begins_with_the_learned_state():
    layer, inputs = build_layer_and_inputs(lambda: DiagonalRecurrence(3))
    # Nothing comes from above: every row is by itself, and the same inputs give the same row.
    layer.cell.kernel.assign(layer.cell.kernel * np.array([0.0, 1.0])[:, None, None])
    same = np.repeat(inputs[:, :1], 4, axis=1)
    outputs = to_numpy(layer(same))
    np.testing.assert_allclose(outputs, np.repeat(outputs[:, :1], 4, axis=1), atol=1e-6)
    layer.cell.initial_cell.assign(layer.cell.initial_cell + 1.0)
    assert np.all(np.any(to_numpy(layer(same)) != outputs, axis=-1)[:, :, 0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RowRecurrence(2, 4), "kernel_size must be odd; got 4"),
        (lambda: DiagonalRecurrence(2, "down"), 'direction must be "right" or "left"'),
        (lambda: LineLSTMCell(2).build((None, 12)), "2 filters want a multiple of 8.*got 12"),
        (lambda: RowLSTM(2, groups=3), "a filter in every gate.*filters=8, groups=3"),
        (lambda: MaskedConv2D(6, 3, "B", num_gates=4), "filters=6, groups=1, num_gates=4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
