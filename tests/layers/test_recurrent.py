"""Recurrent layers: Keras' numbers, taken up anywhere."""

import keras
import numpy as np
import pytest
from checks import check_time_steps_equal_call, to_numpy

from keras_ar.layers import Recurrent


def build_layer_and_inputs(cell, time=7):
    rng = np.random.default_rng(0)
    layer = Recurrent(4, cell)
    inputs = rng.normal(size=(2, time, 3)).astype("float32")
    layer.build(inputs.shape)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer, inputs


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_steps_and_passes_from_any_state_equal_call(cell):
    check_time_steps_equal_call(*build_layer_and_inputs(cell))


def test_an_lstm_computes_the_equations_of_gers():
    layer, inputs = build_layer_and_inputs("lstm")
    kernel, recurrent, bias = map(to_numpy, layer.weights)
    hidden = memory = np.zeros((2, 4))
    for time in range(inputs.shape[1]):
        gates = inputs[:, time] @ kernel + hidden @ recurrent + bias
        enter, keep, candidate, emit = np.split(gates, 4, axis=1)
        memory = sigmoid(keep) * memory + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(emit) * np.tanh(memory)
    np.testing.assert_allclose(to_numpy(layer(inputs))[:, -1], hidden, rtol=1e-4, atol=1e-5)


def test_a_gru_resets_behind_the_recurrent_product():
    layer, inputs = build_layer_and_inputs("gru")
    kernel, recurrent, bias = map(to_numpy, layer.weights)
    hidden = np.zeros((2, 4))
    for time in range(inputs.shape[1]):
        entering = np.split(inputs[:, time] @ kernel + bias[0], 3, axis=1)
        recurring = np.split(hidden @ recurrent + bias[1], 3, axis=1)
        update, reset = (sigmoid(entering[k] + recurring[k]) for k in (0, 1))
        candidate = np.tanh(entering[2] + reset * recurring[2])
        hidden = update * hidden + (1.0 - update) * candidate
    np.testing.assert_allclose(to_numpy(layer(inputs))[:, -1], hidden, rtol=1e-4, atol=1e-5)


def test_the_forget_gates_of_a_fresh_lstm_stand_open():
    layer = Recurrent(4)
    layer.build((None, None, 3))
    bias = to_numpy(layer.recurrence.cell.bias)
    np.testing.assert_array_equal(bias, np.repeat([0.0, 1.0, 0.0, 0.0], 4))


def test_the_number_of_channels_is_that_of_the_weights():
    layer, inputs = build_layer_and_inputs("gru")
    with pytest.raises(ValueError, match="axis -1"):
        layer(inputs[..., :2])
    symbolic = layer(keras.Input((None, 3)))
    assert tuple(symbolic.shape) == (None, None, 4)
