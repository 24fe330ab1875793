"""The softmax over levels: its layout, and draws at its edges."""

import keras
import numpy as np
import pytest
from checks import value_and_gradients
from keras import ops

from keras_ar.distributions import CategoricalLikelihood


def test_parameters_are_level_major():
    likelihood = CategoricalLikelihood(channels=3, levels=4)
    parameters = np.full((1, 12), -50.0, "float32")
    # Level 1 of channel 0, level 3 of channel 1, level 0 of channel 2.
    parameters[0, [1 * 3 + 0, 3 * 3 + 1, 0 * 3 + 2]] = 50.0
    sample = likelihood.sample(parameters, np.full((1, 3), 0.5, "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(sample), [[1, 3, 0]])
    log_prob = likelihood.log_prob(parameters, np.array([[1, 3, 0]]))
    np.testing.assert_allclose(ops.convert_to_numpy(log_prob), [0.0], atol=1e-6)


# One channel is not folded, a prime number of levels cannot be, the others are.
@pytest.mark.parametrize(("channels", "levels"), [(1, 6), (2, 5), (3, 12), (3, 256)])
def test_log_prob_and_its_gradient_are_those_of_the_log_softmax(channels, levels):
    generator = np.random.default_rng(0)
    likelihood = CategoricalLikelihood(channels, levels)
    # Channels a thousand apart: none may borrow the range of another.
    logits = generator.normal(size=(7, 2, levels, channels)) + 1000.0 * np.arange(channels)
    logits = logits.astype("float32").astype("float64")
    values = generator.integers(0, levels, (7, 2, channels))
    exponentials = np.exp(logits - logits.max(axis=-2, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=-2, keepdims=True)
    is_value = np.arange(levels)[:, None] == values[:, :, None]
    expected = np.log((probabilities * is_value).sum(axis=-2)).sum(axis=-1)

    parameters = keras.Variable(logits.reshape(7, 2, levels * channels))
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters.value, values))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5, atol=1e-4)
    _, [gradient] = value_and_gradients(
        lambda: ops.sum(likelihood.log_prob(parameters.value, values)), [parameters]
    )
    slope = (is_value - probabilities).reshape(parameters.shape)
    np.testing.assert_allclose(gradient, slope, atol=1e-4)


def test_a_level_of_zero_probability_is_never_drawn():
    likelihood = CategoricalLikelihood(channels=1, levels=4)
    logits = np.array([-np.inf, 0.0, -np.inf, -np.inf], "float32")
    tiny = np.finfo("float32").tiny
    noise = np.array([tiny, 2.0**-24, 0.5, 1 - 2.0**-24], "float32")[:, None]
    sample = ops.convert_to_numpy(likelihood.sample(np.tile(logits, (4, 1)), noise))
    np.testing.assert_array_equal(sample, np.ones((4, 1)))


def test_a_masked_level_leaves_the_others_finite():
    likelihood = CategoricalLikelihood(channels=1, levels=3)
    parameters = np.tile(np.array([0.0, -np.inf, 0.0], "float32"), (3, 1))
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.arange(3)[:, None]))
    np.testing.assert_allclose(log_prob, [np.log(0.5), -np.inf, np.log(0.5)], rtol=1e-6)


def test_more_noise_never_draws_a_lower_level():
    likelihood = CategoricalLikelihood(channels=1, levels=256)
    logits = np.random.default_rng(0).normal(size=(1, 256)).astype("float32")
    noise = np.linspace(1e-6, 1 - 1e-6, 4001, dtype="float32")[:, None]
    sample = ops.convert_to_numpy(likelihood.sample(np.tile(logits, (4001, 1)), noise))
    assert np.all(np.diff(sample[:, 0]) >= 0)
    assert sample[0, 0] == 0
    assert sample[-1, 0] == 255
