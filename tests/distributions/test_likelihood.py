"""Promises that every likelihood keeps, on either backend."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_ar.distributions import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    Likelihood,
    LogisticMixtureLikelihood,
)

SMALL = [
    pytest.param(BernoulliLikelihood(channels=3), id="bernoulli"),
    pytest.param(CategoricalLikelihood(channels=2, levels=4), id="categorical"),
    pytest.param(LogisticMixtureLikelihood(channels=1, levels=8, num_mixtures=2), id="grey"),
    pytest.param(LogisticMixtureLikelihood(channels=2, levels=4, num_mixtures=3), id="mixture"),
]
HALF_AND_FULL = ["float32", "bfloat16", "float16"]


def random_parameters(likelihood: Likelihood, *batch: int, seed: int = 0) -> np.ndarray:
    shape = (*batch, likelihood.num_parameters)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def all_values(likelihood: Likelihood) -> np.ndarray:
    return np.array(list(itertools.product(range(likelihood.levels), repeat=likelihood.channels)))


def probabilities(likelihood: Likelihood, parameters: np.ndarray) -> np.ndarray:
    values = all_values(likelihood)
    repeated = np.broadcast_to(parameters, (len(values), likelihood.num_parameters))
    return np.exp(ops.convert_to_numpy(likelihood.log_prob(repeated, values)).astype("float64"))


def draw(likelihood: Likelihood, parameters: np.ndarray, count: int, **kwargs: float) -> np.ndarray:
    noise = np.random.default_rng(1).uniform(2.0**-24, 1 - 2.0**-24, (count, likelihood.noise_size))
    repeated = np.broadcast_to(parameters, (count, likelihood.num_parameters))
    return ops.convert_to_numpy(likelihood.sample(repeated, noise.astype("float32"), **kwargs))


def gradient(likelihood: Likelihood, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
    if keras.backend.backend() == "jax":
        import jax

        def total(parameters):
            return ops.sum(likelihood.log_prob(parameters, values))

        return np.asarray(jax.grad(total)(ops.convert_to_tensor(parameters))).astype("float32")
    import tensorflow as tf

    parameters = tf.convert_to_tensor(parameters)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        log_prob = likelihood.log_prob(parameters, values)
    return tf.cast(tape.gradient(log_prob, parameters), tf.float32).numpy()


def compiled(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


@pytest.mark.parametrize("likelihood", SMALL)
@pytest.mark.parametrize("dtype", HALF_AND_FULL)
def test_probabilities_sum_to_one(likelihood, dtype):
    parameters = ops.convert_to_numpy(
        ops.cast(ops.cast(3 * random_parameters(likelihood, 1), dtype), "float32")
    )
    assert probabilities(likelihood, parameters).sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("likelihood", SMALL)
@pytest.mark.parametrize("dtype", HALF_AND_FULL)
def test_log_prob_is_float32_whatever_the_parameters(likelihood, dtype):
    parameters = ops.cast(random_parameters(likelihood, 5, 2), dtype)
    values = np.zeros((5, 2, likelihood.channels), "uint8")
    log_prob = likelihood.log_prob(parameters, values)
    assert keras.backend.standardize_dtype(log_prob.dtype) == "float32"
    assert tuple(log_prob.shape) == (5, 2)
    full = likelihood.log_prob(ops.cast(parameters, "float32"), values)
    np.testing.assert_array_equal(ops.convert_to_numpy(log_prob), ops.convert_to_numpy(full))


@pytest.mark.parametrize("likelihood", SMALL)
def test_sample_frequencies_fit_the_probabilities(likelihood):
    parameters = random_parameters(likelihood, seed=3)
    expected = 20_000 * probabilities(likelihood, parameters)
    samples = draw(likelihood, parameters, 20_000)
    assert samples.dtype == np.int32
    code = np.ravel_multi_index(samples.T, (likelihood.levels,) * likelihood.channels)
    observed = np.bincount(code, minlength=len(expected))
    is_common = expected > 5
    assert observed[~is_common].sum() < 3 * expected[~is_common].sum() + 10
    chi_square = (((observed - expected) ** 2) / expected)[is_common].sum()
    freedom = is_common.sum() - 1
    # About five standard deviations; the noise is fixed, so this never flickers.
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("likelihood", SMALL)
@pytest.mark.parametrize("offence", ["negative", "too large", "fraction", "not a number", "wraps"])
def test_an_illegal_value_gives_nan_there_and_no_nan_gradient_elsewhere(likelihood, offence):
    illegal = {
        "negative": -1,
        "too large": likelihood.levels,
        "fraction": 0.5,
        "not a number": float("nan"),
        "wraps": 2.0**32,
    }[offence]
    values = np.zeros((2, likelihood.channels), "float32")
    values[0, -1] = illegal
    parameters = random_parameters(likelihood, 2)
    log_prob = ops.convert_to_numpy(likelihood.log_prob(parameters, values))
    assert np.isnan(log_prob[0])
    assert np.isfinite(log_prob[1])
    slope = gradient(likelihood, parameters, values)
    assert np.all(slope[0] == 0)
    assert np.all(np.isfinite(slope[1]))
    assert np.any(slope[1] != 0)


@pytest.mark.parametrize("likelihood", SMALL)
def test_a_very_low_temperature_leaves_one_value(likelihood):
    parameters = random_parameters(likelihood, seed=4)
    assert len(np.unique(draw(likelihood, parameters, 2000), axis=0)) > 1
    cold = draw(likelihood, parameters, 2000, temperature=1e-4)
    assert len(np.unique(cold, axis=0)) == 1


@pytest.mark.parametrize("likelihood", SMALL)
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_divides_logits_and_multiplies_scales(likelihood, temperature):
    parameters = random_parameters(likelihood, seed=4)
    if isinstance(likelihood, LogisticMixtureLikelihood):
        tempered = parameters.copy()
        count, rows = likelihood.num_mixtures, likelihood.num_mixtures * likelihood.channels
        tempered[:count] /= temperature
        tempered[count + rows : count + 2 * rows] += np.log(temperature)
    else:
        tempered = parameters / temperature
    expected = draw(likelihood, tempered, 2000)
    observed = draw(likelihood, parameters, 2000, temperature=temperature)
    # Rounding may move a draw that lies on the edge of two values.
    assert np.mean(observed != expected) < 1e-3
    assert np.mean(observed != draw(likelihood, parameters, 2000)) > 1e-2


@pytest.mark.parametrize("likelihood", SMALL)
def test_every_pixel_may_have_a_temperature_of_its_own(likelihood):
    parameters = random_parameters(likelihood, 6, seed=4)
    noise = np.random.default_rng(3).uniform(0.1, 0.9, (6, likelihood.noise_size)).astype("float32")
    temperatures = np.linspace(0.2, 3.0, 6, dtype="float32")
    drawn = ops.convert_to_numpy(likelihood.sample(parameters, noise, temperatures))
    for row, temperature in enumerate(temperatures):
        alone = likelihood.sample(parameters[row], noise[row], ops.convert_to_tensor(temperature))
        np.testing.assert_array_equal(drawn[row], ops.convert_to_numpy(alone))


@pytest.mark.parametrize("likelihood", SMALL)
def test_temperature_below_or_at_zero_is_refused(likelihood):
    noise = np.full((1, likelihood.noise_size), 0.5, "float32")
    with pytest.raises(ValueError, match="temperature must be above 0"):
        likelihood.sample(random_parameters(likelihood, 1), noise, temperature=0.0)


@pytest.mark.parametrize("likelihood", SMALL)
def test_compiled_execution_agrees_with_eager(likelihood):
    parameters = random_parameters(likelihood, 64)
    rng = np.random.default_rng(2)
    values = rng.integers(0, likelihood.levels, (64, likelihood.channels))
    noise = rng.uniform(1e-6, 1 - 1e-6, (64, likelihood.noise_size)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(compiled(likelihood.log_prob)(parameters, values)),
        ops.convert_to_numpy(likelihood.log_prob(parameters, values)),
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(compiled(likelihood.sample)(parameters, noise)),
        ops.convert_to_numpy(likelihood.sample(parameters, noise)),
    )


@pytest.mark.parametrize("likelihood", SMALL)
def test_a_wrong_last_axis_is_refused(likelihood):
    parameters = random_parameters(likelihood, 1)
    values = np.zeros((1, likelihood.channels), "int32")
    with pytest.raises(ValueError, match="last axis of parameters"):
        likelihood.log_prob(parameters[:, 1:], values)
    with pytest.raises(ValueError, match="last axis of values"):
        likelihood.log_prob(parameters, np.zeros((1, likelihood.channels + 1), "int32"))
    with pytest.raises(ValueError, match="last axis of noise"):
        likelihood.sample(parameters, np.full((1, likelihood.noise_size + 1), 0.5, "float32"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: BernoulliLikelihood(0), "channels must be at least 1"),
        (lambda: CategoricalLikelihood(1, 1), "levels must be between 2"),
        (lambda: LogisticMixtureLikelihood(1, 256, 0), "num_mixtures must be at least 1"),
        (lambda: LogisticMixtureLikelihood(1, 256, 5, -1e6), "min_log_scale must be within"),
    ],
)
def test_impossible_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("likelihood", "num_parameters", "passes_per_pixel", "noise_size"),
    [
        (BernoulliLikelihood(3), 3, 3, 3),
        (CategoricalLikelihood(3, 256), 768, 3, 3),
        (LogisticMixtureLikelihood(1, 256, 5), 15, 1, 2),
        (LogisticMixtureLikelihood(3, 256, 10), 100, 1, 4),
    ],
)
def test_sizes_are_those_of_the_papers(likelihood, num_parameters, passes_per_pixel, noise_size):
    assert likelihood.num_parameters == num_parameters
    assert likelihood.passes_per_pixel == passes_per_pixel
    assert likelihood.noise_size == noise_size


# Every corner, and everything in between, of what float32 can hold.
CORNERS = {
    "logits": [-3e38, 0.0, 3e38],
    "means": [-3e38, -1e30, -2.0, 0.0, 1.0, 1e30, 3e38],
    "log_scales": [-3e38, -1e6, -7.0, 0.0, 60.0, 79.0, 90.0, 1e6, 3e38],
    "coefficients": [-1e30, 0.0, 1e30],
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("levels", [2, 256, 65536])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_mixture_is_finite_in_value_and_gradient_at_every_parameter(channels, levels, is_compiled):
    likelihood = LogisticMixtureLikelihood(channels, levels, num_mixtures=2)
    rng = np.random.default_rng(5)
    count = 4000
    pairs = channels * (channels - 1) // 2
    parameters = np.concatenate(
        [
            rng.choice(CORNERS[name], (count, size)).astype("float32")
            for name, size in (
                ("logits", 2),
                ("means", 2 * channels),
                ("log_scales", 2 * channels),
                ("coefficients", 2 * pairs),
            )
        ],
        axis=-1,
    )
    values = rng.choice([0, levels // 2, levels - 1], (count, channels))

    def value_and_gradient(parameters):
        return likelihood.log_prob(parameters, values)

    run = compiled(value_and_gradient) if is_compiled else value_and_gradient
    assert np.all(np.isfinite(ops.convert_to_numpy(run(ops.convert_to_tensor(parameters)))))
    if not is_compiled:
        assert np.all(np.isfinite(gradient(likelihood, parameters, values)))
    noise = rng.uniform(1e-6, 1 - 1e-6, (count, likelihood.noise_size)).astype("float32")
    samples = ops.convert_to_numpy(likelihood.sample(parameters, noise))
    assert samples.min() >= 0
    assert samples.max() <= levels - 1
