"""Truncation: which levels stay, and who refuses it."""

import numpy as np
import pytest
from checks import randomize_weights, to_numpy
from keras import ops

from keras_ar.distributions import BernoulliLikelihood, CategoricalLikelihood
from keras_ar.distributions.truncation import truncate_logits
from keras_ar.models import GatedPixelCNN, PixelCNNPP


def kept(probs, top_k=100, top_p=float("inf")):
    logits = ops.log(ops.convert_to_tensor(np.float32(probs)))
    truncated = to_numpy(truncate_logits(logits, ops.convert_to_tensor(top_k), np.float32(top_p)))
    stays = np.isfinite(truncated)
    np.testing.assert_array_equal(truncated[stays], to_numpy(logits)[stays])
    return np.flatnonzero(stays).tolist()


@pytest.mark.parametrize(
    ("top_k", "top_p", "wanted"),
    [
        (1, float("inf"), [2]),
        (2, float("inf"), [2, 4]),
        (100, float("inf"), [0, 1, 2, 3, 4]),
        (100, 0.39, [2]),
        (100, 0.41, [2, 4]),
        (100, 0.75, [1, 2, 4]),
        (100, 1e-6, [2]),
        (2, 0.75, [2, 4]),
        (3, 0.41, [2, 4]),
    ],
)
def test_the_most_likely_levels_stay(top_k, top_p, wanted):
    assert kept([0.09, 0.2, 0.4, 0.01, 0.3], top_k, top_p) == wanted


def test_of_equally_likely_levels_the_first_stay():
    assert kept([0.25] * 4, top_k=2) == [0, 1]
    assert kept([0.25] * 4, top_p=0.4) == [0, 1]


def test_truncated_samples_follow_the_law_renormalised_on_what_stays():
    likelihood = CategoricalLikelihood(1, 4)
    logits = np.log(np.float32([0.1, 0.4, 0.2, 0.3]))
    noise = (np.arange(6000, dtype="float32")[:, None] + 0.5) / 6000
    parameters = np.broadcast_to(logits, (6000, 4))
    truncation = (ops.convert_to_tensor(2), ops.convert_to_tensor(np.float32("inf")))
    drawn = to_numpy(likelihood.sample(parameters, noise, 1.0, truncation))[:, 0]
    np.testing.assert_allclose(
        np.bincount(drawn.astype(int), minlength=4) / 6000, [0, 4 / 7, 0, 3 / 7], atol=1e-3
    )


def test_the_temperature_comes_before_the_nucleus():
    likelihood = CategoricalLikelihood(1, 3)
    parameters = np.broadcast_to(np.log(np.float32([0.5, 0.3, 0.2])), (1000, 3))
    noise = (np.arange(1000, dtype="float32")[:, None] + 0.5) / 1000
    truncation = (ops.convert_to_tensor(3), ops.convert_to_tensor(np.float32(0.6)))
    cold = to_numpy(likelihood.sample(parameters, noise, 0.1, truncation))
    warm = to_numpy(likelihood.sample(parameters, noise, 1.0, truncation))
    assert set(cold.ravel()) == {0}
    assert set(warm.ravel()) == {0, 1}


def test_likelihoods_without_a_list_of_levels_refuse():
    with pytest.raises(ValueError, match="BernoulliLikelihood"):
        BernoulliLikelihood(1).sample(np.zeros((2, 1)), np.full((2, 1), 0.5), 1.0, (1, 1.0))
    model = PixelCNNPP((4, 4, 1), filters=2, num_blocks=1, num_mixtures=1)
    for options in ({"top_k": 2}, {"top_p": 0.5}):
        with pytest.raises(ValueError, match="temperature"):
            model.sample(1, **options)


@pytest.fixture(scope="module")
def model():
    model = GatedPixelCNN((3, 4, 1), levels=6, filters=4, num_blocks=2, head_filters=8)
    randomize_weights(model)
    return model


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"top_k": 0}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.2}, "top_p"),
        ({"top_p": float("nan")}, "top_p"),
    ],
)
def test_impossible_truncations_are_refused(model, options, match):
    with pytest.raises(ValueError, match=match):
        model.sample(1, **options)


def test_the_most_likely_level_alone_ignores_the_seed(model):
    first, second = (model.sample(2, seed=seed, top_k=1, verbose=False) for seed in (0, 1))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != model.sample(2, seed=0, verbose=False))


def test_a_truncation_that_truncates_nothing_changes_nothing(model):
    whole = model.sample(4, seed=0, verbose=False)
    for options in ({"top_k": 6}, {"top_p": 1.0}, {"top_k": 100}):
        np.testing.assert_array_equal(whole, model.sample(4, seed=0, verbose=False, **options))


def test_cached_and_plain_truncation_agree(model):
    options = {"seed": 0, "top_k": 4, "top_p": 0.8, "temperature": 1.5, "verbose": False}
    cached = model.sample(4, **options)
    np.testing.assert_array_equal(cached, model.sample(4, cached=False, **options))
