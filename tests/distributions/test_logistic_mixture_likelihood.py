"""The mixture of discretised logistics, against float64 and against its own definition."""

from pathlib import Path

import numpy as np
import pytest
from keras import ops

from keras_ar.distributions import LogisticMixtureLikelihood

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "logistic_mixture.npz")
CASES = ["rgb", "rgb_extreme", "grey", "binary", "sixteen_levels"]


def golden_case(name):
    case = {key.split("/")[1]: GOLDEN[key] for key in GOLDEN.files if key.startswith(f"{name}/")}
    count, channels, components = case["means"].shape
    names = ("logits", "means", "log_scales", "coeffs")
    parameters = np.concatenate([case[key].reshape(count, -1) for key in names], axis=-1)
    likelihood = LogisticMixtureLikelihood(channels, int(case["levels"]), components)
    return likelihood, parameters, case


@pytest.mark.parametrize("name", CASES)
def test_log_prob_matches_the_exact_formula_in_float64(name):
    likelihood, parameters, case = golden_case(name)
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, case["x"]))
    # The absolute part counts where a probability is nearly 1: float32 then resolves the
    # probability itself, to 6e-8, but not the digits of its logarithm.
    np.testing.assert_allclose(log_prob, case["log_prob"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("log_scale", [-9.0, -7.0, -3.0, 0.0, 4.0])
@pytest.mark.parametrize("mean", [0.0, 1 / 255, 0.99, -1.0, 30.0])
def test_probabilities_of_all_256_levels_sum_to_one(log_scale, mean):
    likelihood = LogisticMixtureLikelihood(1, 256, num_mixtures=1)
    parameters = np.tile(np.array([0.0, mean, log_scale], "float32"), (256, 1))
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.arange(256)[:, None]))
    assert np.exp(log_prob.astype("float64")).sum() == pytest.approx(1.0, abs=1e-5)


def test_probabilities_of_all_65536_levels_sum_to_one():
    likelihood = LogisticMixtureLikelihood(1, 65536, num_mixtures=1)
    parameters = np.tile(np.array([0.0, 0.3, -6.0], "float32"), (65536, 1))
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.arange(65536)[:, None]))
    assert np.exp(log_prob.astype("float64")).sum() == pytest.approx(1.0, abs=1e-5)


def test_log_scales_below_the_smallest_are_raised_to_it():
    likelihood = LogisticMixtureLikelihood(1, 256, num_mixtures=1, min_log_scale=-4.0)
    parameters = np.array([[0.0, 0.1, -9.0], [0.0, 0.1, -4.0]], "float32")
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.full((2, 1), 130)))
    assert log_prob[0] == log_prob[1]


def test_split_gives_the_blocks_in_the_documented_order():
    likelihood = LogisticMixtureLikelihood(channels=3, levels=256, num_mixtures=2)
    parameters = np.arange(20, dtype="float32")[None]
    blocks = [ops.convert_to_numpy(block) for block in likelihood.split(parameters)]
    logits, means, log_scales, coefficients = blocks
    np.testing.assert_array_equal(logits, [[0, 1]])
    np.testing.assert_array_equal(means, [[[2, 3], [4, 5], [6, 7]]])
    np.testing.assert_array_equal(log_scales, [[[8, 9], [10, 11], [12, 13]]])
    np.testing.assert_array_equal(coefficients, [[[14, 15], [16, 17], [18, 19]]])


@pytest.mark.parametrize(("pair", "channel", "earlier"), [(0, 1, 0), (1, 2, 0), (2, 2, 1)])
def test_a_coefficient_moves_one_channel_by_one_earlier_channel(pair, channel, earlier):
    likelihood = LogisticMixtureLikelihood(channels=3, levels=256, num_mixtures=1)
    parameters = np.zeros((1, 10), "float32")
    parameters[:, 4:7] = -7.0
    parameters[:, 7 + pair] = 30.0
    # All at 0 but the first channels drawn to the top: only the linked one follows.
    parameters[:, 1 + earlier] = 1.0
    noise = np.full((1, 4), 0.5, "float32")
    sample = ops.convert_to_numpy(likelihood.sample(parameters, noise))[0]
    expected = np.array([128, 128, 128])
    expected[[earlier, channel]] = 255
    np.testing.assert_array_equal(sample, expected)


def test_later_channels_do_not_change_the_law_of_earlier_ones():
    likelihood = LogisticMixtureLikelihood(channels=3, levels=4, num_mixtures=2)
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=(1, likelihood.num_parameters)).astype("float32")
    other = parameters.copy()
    other[:, [6, 7, 12, 13, 16, 17, 18, 19]] += 1.0
    grid = np.indices((4, 4, 4)).reshape(3, -1).T

    def law_of_first_two(parameters):
        log_prob = likelihood.log_prob(np.tile(parameters, (64, 1)), grid)
        return np.exp(ops.convert_to_numpy(log_prob)).reshape(4, 4, 4).sum(axis=-1)

    np.testing.assert_allclose(law_of_first_two(other), law_of_first_two(parameters), atol=1e-6)


def test_a_draw_far_in_the_tail_ends_at_the_end_levels():
    likelihood = LogisticMixtureLikelihood(channels=1, levels=256, num_mixtures=1)
    parameters = np.array([[0.0, -1e30, 0.0], [0.0, 1e30, 0.0]], "float32")
    sample = likelihood.sample(parameters, np.full((2, 2), 0.5, "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(sample), [[0], [255]])


def test_log_prob_keeps_falling_far_from_the_mean():
    likelihood = LogisticMixtureLikelihood(channels=1, levels=256, num_mixtures=1)
    means = np.array([-50.0, -50.001, 50.0, 50.001])
    parameters = np.stack([0 * means, means, 0 * means - 7], axis=-1).astype("float32")
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, np.full((4, 1), 128)))
    assert log_prob[1] < log_prob[0] < -1e4
    assert log_prob[3] < log_prob[2] < -1e4
