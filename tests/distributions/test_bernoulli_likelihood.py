"""Binary values: numbers that can be checked by hand."""

import numpy as np
from keras import ops

from keras_ar.distributions import BernoulliLikelihood


def test_log_prob_is_the_log_sigmoid_summed_over_channels():
    likelihood = BernoulliLikelihood(channels=2)
    parameters = np.array([[0.0, np.log(3.0)]], "float32")
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.array([[1, 0]])))
    np.testing.assert_allclose(log_prob, [np.log(0.5) + np.log(0.25)], rtol=1e-6)


def test_log_prob_keeps_its_precision_far_away():
    likelihood = BernoulliLikelihood(channels=1)
    parameters = np.array([[1000.0], [-1000.0]], "float32")
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.array([[0], [0]])))
    np.testing.assert_array_equal(log_prob, [-1000.0, 0.0])


def test_a_draw_is_one_exactly_where_the_noise_exceeds_the_probability_of_zero():
    likelihood = BernoulliLikelihood(channels=1)
    noise = np.linspace(0.005, 0.995, 100, dtype="float32")[:, None]
    parameters = np.full((100, 1), np.log(3.0), "float32")
    sample = ops.convert_to_numpy(likelihood.sample(parameters, noise))
    np.testing.assert_array_equal(sample, noise > 0.25)
