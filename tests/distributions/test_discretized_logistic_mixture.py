"""The TensorFlow Probability classes, against the likelihoods they stand for."""

import itertools

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow Probability needs the TensorFlow backend", allow_module_level=True)

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ar.distributions import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    DiscretizedLogisticMixture,
    LogisticMixtureLikelihood,
)


def random_mixture(channels, levels, components, batch=(), seed=0, spread=1.0, **kwargs):
    rng = np.random.default_rng(seed)
    pairs = channels * (channels - 1) // 2

    def normal(*shape):
        return (spread * rng.normal(size=(*batch, *shape))).astype("float32")

    return DiscretizedLogisticMixture(
        normal(components),
        normal(channels, components),
        normal(channels, components) - 1.0,
        normal(pairs, components) if pairs else None,
        levels=levels,
        **kwargs,
    )


def every_value(channels, levels):
    return np.array(list(itertools.product(range(levels), repeat=channels)), "int32")


def enumerated(distribution):
    """All values, and their probabilities with one row per batch member."""
    values = every_value(distribution.event_shape[0], distribution.levels)
    rank = distribution.batch_shape.rank
    log_prob = distribution.log_prob(values.reshape(-1, *[1] * rank, values.shape[-1])).numpy()
    return values, np.exp(np.moveaxis(log_prob.astype("float64"), 0, -1))


@pytest.mark.parametrize(("channels", "levels"), [(1, 256), (2, 4), (3, 5)])
def test_probabilities_sum_to_one(channels, levels):
    _, probabilities = enumerated(random_mixture(channels, levels, 3, batch=(4,)))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    "likelihood",
    [
        BernoulliLikelihood(3),
        CategoricalLikelihood(3, 5),
        LogisticMixtureLikelihood(1, 256, 4),
        LogisticMixtureLikelihood(3, 256, 4, min_log_scale=-3.0),
    ],
    ids=["bernoulli", "categorical", "grey", "rgb"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_distribution_agrees_with_its_likelihood(likelihood, dtype):
    rng = np.random.default_rng(0)
    parameters = 3 * rng.normal(size=(2, 6, likelihood.num_parameters))
    parameters = tf.cast(parameters, dtype)
    values = rng.integers(0, likelihood.levels, (2, 6, likelihood.channels)).astype("int32")
    distribution = likelihood.distribution(parameters)
    assert isinstance(distribution, tfp.distributions.Distribution)
    assert distribution.dtype == tf.int32
    log_prob = distribution.log_prob(values)
    if likelihood.passes_per_pixel > 1:
        assert distribution.batch_shape == (2, 6, likelihood.channels)
        log_prob = tf.reduce_sum(log_prob, axis=-1)
    else:
        assert distribution.batch_shape == (2, 6)
        assert distribution.event_shape == (likelihood.channels,)
    np.testing.assert_allclose(
        log_prob, likelihood.log_prob(parameters, values), rtol=1e-5, atol=1e-6
    )


def test_batch_and_event_shapes_follow_the_broadcast_parameters():
    distribution = DiscretizedLogisticMixture(
        np.zeros((5, 1, 2), "float32"),
        np.zeros((3, 2), "float32"),
        np.zeros((4, 3, 2), "float32"),
        np.zeros((3, 2), "float32"),
    )
    assert distribution.batch_shape == (5, 4)
    np.testing.assert_array_equal(distribution.batch_shape_tensor(), [5, 4])
    assert distribution.event_shape == (3,)
    np.testing.assert_array_equal(distribution.event_shape_tensor(), [3])
    assert distribution.sample(7, seed=1).shape == (7, 5, 4, 3)
    assert distribution.sample(seed=1).dtype == tf.int32
    assert distribution.log_prob(np.zeros((7, 5, 4, 3), "int32")).shape == (7, 5, 4)
    assert distribution.mode().shape == (5, 4, 3)


def test_a_slice_is_the_distribution_of_that_part_of_the_batch():
    distribution = random_mixture(3, 8, 2, batch=(4, 5))
    values = np.random.default_rng(1).integers(0, 8, (4, 5, 3)).astype("int32")
    part = distribution[1:3, ..., tf.newaxis, 2]
    assert part.batch_shape == (2, 1)
    np.testing.assert_allclose(
        part.log_prob(values[1:3, None, 2]), distribution.log_prob(values)[1:3, None, 2], rtol=1e-6
    )
    assert random_mixture(1, 8, 2, batch=(4,))[2].batch_shape == ()


def test_a_copy_keeps_everything_but_what_is_overridden():
    distribution = random_mixture(1, 8, 2, min_log_scale=-2.0, validate_args=True)
    copy = distribution.copy(levels=16)
    assert (copy.levels, copy.min_log_scale, copy.validate_args) == (16, -2.0, True)
    np.testing.assert_array_equal(copy.means, distribution.means)


def test_parameter_properties_count_the_axes_of_an_event():
    properties = DiscretizedLogisticMixture.parameter_properties()
    counted = {name: properties[name].event_ndims for name in properties}
    assert counted == {"logits": 1, "means": 2, "log_scales": 2, "coefficients": 2}


@pytest.mark.parametrize(("channels", "levels"), [(1, 256), (2, 6), (3, 4)])
def test_the_mean_equals_the_enumerated_mean(channels, levels):
    distribution = random_mixture(channels, levels, 3, batch=(2, 3))
    values, probabilities = enumerated(distribution)
    np.testing.assert_allclose(distribution.mean(), probabilities @ values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "levels"), [(1, 256), (2, 6), (3, 4)])
def test_the_mode_equals_the_enumerated_arg_max(channels, levels):
    distribution = random_mixture(channels, levels, 3, batch=(20,))
    values, probabilities = enumerated(distribution)
    np.testing.assert_array_equal(distribution.mode(), values[probabilities.argmax(axis=-1)])


def test_no_change_of_one_channel_improves_the_mode():
    distribution = random_mixture(3, 16, 4, batch=(30,), seed=7, spread=2.0)
    mode = distribution.mode().numpy()
    best = distribution.log_prob(mode).numpy()
    for channel, level in itertools.product(range(3), range(16)):
        moved = mode.copy()
        moved[:, channel] = level
        assert np.all(distribution.log_prob(moved).numpy() <= best + 1e-5)


def test_sample_frequencies_fit_the_probabilities():
    distribution = random_mixture(2, 4, 3)
    _, probabilities = enumerated(distribution)
    samples = distribution.sample(20_000, seed=3).numpy()
    observed = np.bincount(samples @ [4, 1], minlength=16)
    chi_square = ((observed - 20_000 * probabilities) ** 2 / (20_000 * probabilities)).sum()
    assert chi_square < 15 + 5 * np.sqrt(30)


def test_the_same_seed_gives_the_same_samples():
    distribution = random_mixture(3, 256, 3)
    first, second = (distribution.sample(50, seed=(1, 2)).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != distribution.sample(50, seed=(1, 3)).numpy())


@pytest.mark.parametrize("illegal", [-1, 256])
def test_an_illegal_value_gives_nan_unless_arguments_are_validated(illegal):
    values = np.array([[3, 4, illegal], [3, 4, 5]], "int32")
    log_prob = random_mixture(3, 256, 2).log_prob(values).numpy()
    np.testing.assert_array_equal(np.isnan(log_prob), [True, False])
    strict = random_mixture(3, 256, 2, validate_args=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not an integer of 0\.\.255"):
        strict.log_prob(values)
    assert np.all(np.isfinite(strict.log_prob(values[1:])))
    assert strict.sample(4, seed=0).shape == (4, 3)


def test_gradients_reach_variables_given_before_the_tape():
    means = tf.Variable([[0.0, 0.5]])
    distribution = DiscretizedLogisticMixture([0.0, 0.0], means, [[-1.0, -1.0]])
    with tf.GradientTape() as tape:
        log_prob = distribution.log_prob([200])
    assert np.all(tape.gradient(log_prob, means).numpy() > 0)


def test_graphs_with_unknown_batch_sizes_agree_with_eager():
    likelihood = LogisticMixtureLikelihood(2, 6, 3)
    signature = [tf.TensorSpec([None, None, likelihood.num_parameters])]

    @tf.function(input_signature=signature)
    def graph(parameters):
        distribution = likelihood.distribution(parameters)
        mode = distribution.mode()
        sample = distribution.sample(2, seed=(0, 1))
        return distribution.mean(), mode, sample, distribution.log_prob(sample)

    parameters = (
        np.random.default_rng(0).normal(size=(2, 3, likelihood.num_parameters)).astype("float32")
    )
    mean, mode, sample, log_prob = graph(parameters)
    distribution = likelihood.distribution(parameters)
    np.testing.assert_allclose(mean, distribution.mean(), rtol=1e-5)
    np.testing.assert_array_equal(mode, distribution.mode())
    np.testing.assert_array_equal(sample, distribution.sample(2, seed=(0, 1)))
    np.testing.assert_allclose(log_prob, distribution.log_prob(sample), rtol=1e-5)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (([2], [3, 2], [3, 2], None), "3 channels need coefficients"),
        (([2], [3, 2], [3, 2], [2, 2]), r"coefficients must have shape \(..., 3, 2\)"),
        (([2], [1, 3], [1, 2], None), r"means must have shape \(..., 1, 2\)"),
        (([2], [1, 2], [2, 2], None), r"log_scales must have shape \(..., 1, 2\)"),
        (([5, 2], [4, 1, 2], [1, 2], None), "batch shape of means"),
        (([2], [2], [1, 2], None), r"means \(..., channels, K\)"),
        (([], [1, 2], [1, 2], None), r"logits must have shape \(..., K\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes, message):
    parameters = [None if shape is None else np.zeros(shape, "float32") for shape in shapes]
    with pytest.raises(ValueError, match=message):
        DiscretizedLogisticMixture(*parameters)


def test_impossible_levels_and_scales_are_refused():
    with pytest.raises(ValueError, match="levels must be between 2"):
        random_mixture(1, 1, 2)
    with pytest.raises(ValueError, match="min_log_scale must be within"):
        random_mixture(1, 2, 2, min_log_scale=-100.0)
