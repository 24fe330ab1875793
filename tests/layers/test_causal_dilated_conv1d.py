import numpy as np
import pytest
from keras import ops

from keras_ar.layers import CausalDilatedConv1D

LENGTH = 19


@pytest.fixture(params=[(1, 1), (2, 1), (2, 4), (3, 2)], ids=str)
def layer(request) -> CausalDilatedConv1D:
    kernel_size, dilation = request.param
    layer = CausalDilatedConv1D(3, kernel_size, dilation=dilation, activation="tanh")
    layer.build((None, None, 2))
    return layer


@pytest.fixture
def inputs():
    values = np.random.default_rng(0).normal(size=(2, LENGTH, 2)).astype("float32")
    return ops.convert_to_tensor(values)


def walk(layer, inputs, state):
    outputs = []
    for time in range(inputs.shape[1]):
        one, state = layer.step(inputs[:, time : time + 1], state)
        outputs.append(one)
    return ops.concatenate(outputs, axis=1), state


def check_equal(one, other):
    np.testing.assert_allclose(
        ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-5, atol=1e-6
    )


def test_single_steps_and_many_at_once_equal_one_pass(layer, inputs):
    wanted = layer(inputs)
    outputs, _ = walk(layer, inputs, layer.initial_state(2, inputs.shape))
    check_equal(outputs, wanted)
    for part in (1, 5, LENGTH - 1):
        first, state = layer.advance(inputs[:, :part], layer.initial_state(2, inputs.shape))
        second, _ = layer.advance(inputs[:, part:], state)
        check_equal(ops.concatenate([first, second], axis=1), wanted)


def test_a_settled_state_is_the_same_for_all_ways_to_it(layer, inputs):
    start = layer.initial_state(2, inputs.shape)
    part = 7
    _, stepped = walk(layer, inputs[:, :part], start)
    settled = layer.settled(stepped)
    _, advanced = layer.advance(inputs[:, :part], start)
    check_equal(settled[0], advanced[0])
    assert int(settled[1]) == int(advanced[1]) == 0
    outputs, _ = walk(layer, inputs[:, part:], settled)
    check_equal(outputs, layer(inputs)[:, part:])
    # A turned ring can be advanced as well as a settled one.
    outputs, _ = layer.advance(inputs[:, part:], stepped)
    check_equal(outputs, layer(inputs)[:, part:])
