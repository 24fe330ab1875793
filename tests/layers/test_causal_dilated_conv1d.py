"""The causal convolution: steps, passes, and the queue between them."""

import keras
import numpy as np
import pytest
from checks import check_time_steps_equal_call, steps_over_time
from keras import ops

from keras_ar.layers import CausalDilatedConv1D

LENGTH = 19


@pytest.fixture(params=[(1, 1), (2, 1), (2, 4), (3, 2)], ids=str)
def layer(request) -> CausalDilatedConv1D:
    kernel_size, dilation = request.param
    layer = CausalDilatedConv1D(3, kernel_size, dilation=dilation, activation="tanh")
    layer.build((None, None, 2))
    layer.bias.assign([0.1, 0.2, 0.3])
    return layer


@pytest.fixture
def inputs():
    values = np.random.default_rng(0).normal(size=(2, LENGTH, 2)).astype("float32")
    return ops.convert_to_tensor(values)


def check_equal(one, other):
    np.testing.assert_allclose(
        ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-5, atol=1e-6
    )


def test_single_steps_and_many_at_once_equal_one_pass(layer, inputs):
    check_time_steps_equal_call(layer, ops.convert_to_numpy(inputs))


def test_one_pass_is_that_of_the_causal_convolution_of_keras(layer, inputs):
    options = {"padding": "causal", "dilation_rate": layer.dilation, "activation": "tanh"}
    keras_layer = keras.layers.Conv1D(3, layer.kernel_size[0], **options)
    keras_layer.build(inputs.shape)
    keras_layer.set_weights(layer.get_weights())
    check_equal(layer(inputs), keras_layer(inputs))
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_settled_state_is_the_same_for_all_ways_to_it(layer, inputs):
    start = layer.initial_state(2, inputs.shape)
    part = 7
    _, stepped = steps_over_time(layer, inputs[:, :part], start)
    settled = layer.settled(stepped)
    _, advanced = layer.advance(inputs[:, :part], start)
    check_equal(settled[0], advanced[0])
    assert int(settled[1]) == int(advanced[1]) == 0
    outputs, _ = steps_over_time(layer, inputs[:, part:], settled)
    check_equal(outputs, layer(inputs)[:, part:])
    # A turned ring can be advanced as well as a settled one.
    outputs, _ = layer.advance(inputs[:, part:], stepped)
    check_equal(outputs, layer(inputs)[:, part:])


@pytest.mark.parametrize("options", [{"kernel_size": 0}, {"dilation": 0}, {"kernel_size": 1.5}])
def test_numbers_that_are_not_positive_integers_are_refused(options):
    with pytest.raises(ValueError, match="must be a positive integer"):
        CausalDilatedConv1D(3, **options)
