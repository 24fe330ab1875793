"""The softmax over levels: its layout, and draws at its edges."""

import numpy as np
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


def test_log_prob_is_the_log_softmax():
    likelihood = CategoricalLikelihood(channels=2, levels=5)
    logits = np.random.default_rng(0).normal(size=(7, 5, 2)).astype("float32")
    values = np.random.default_rng(1).integers(0, 5, (7, 2))
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = np.take_along_axis(log_softmax, values[:, None], axis=1).sum(axis=(1, 2))
    log_prob = ops.convert_to_numpy(likelihood.log_prob(logits.reshape(7, 10), values))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)


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
