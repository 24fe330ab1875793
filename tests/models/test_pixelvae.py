"""PixelVAE: what it estimates, against integrals over a single latent; how it trains and draws."""

import math

import keras
import numpy as np
import pytest
from checks import all_images, check_frequencies, codes, random_images, randomized, to_numpy
from keras import ops
from marks import marked

import keras_ar
from keras_ar.layers import GaussianLatents
from keras_ar.models import PixelVAE
from keras_ar.receptive_field import receptive_field

_SMALL = {
    "filters": 4,
    "num_blocks": 2,
    "kernel_size": 3,
    "first_kernel_size": 3,
    "head_filters": 8,
    "encoder_filters": (4, 6),
}
_GRID = np.linspace(-8.0, 8.0, 321)


def one_latent(image_shape=(2, 3, 1)):
    return PixelVAE(image_shape, levels=2, latent_size=1, **_SMALL)


def colour(**options):
    return PixelVAE(
        (4, 5, 3),
        levels=4,
        latent_size=3,
        **{**_SMALL, "filters": 6, "head_filters": 12},
        **options,
    )


@pytest.fixture(scope="module")
def tiny():
    """A model whose images change with its one latent, so that nothing below is trivial."""
    model = randomized(one_latent, scale=2.0)
    # An encoder that nobody trained is far too sure of itself for importance sampling.
    kernel, bias = model.encoder.get_layer("posterior").weights
    kernel.assign(0.1 * kernel)
    bias.assign([0.3, 0.4])
    return model


@pytest.fixture(scope="module")
def joint(tiny):
    """Its integrand: see ``joint_on_grid``."""
    joint = joint_on_grid(tiny)
    far, near = joint[:, 20], joint[:, -20]
    assert np.abs(far / far.sum() - near / near.sum()).sum() > 0.5
    return joint


def joint_on_grid(model):
    """Return ``p(x | z) p(z) dz`` of every image at every point of the grid, float64."""
    images = all_images(model)
    prior = np.exp(-0.5 * _GRID**2) / math.sqrt(2.0 * math.pi) * (_GRID[1] - _GRID[0])
    given = [
        model.decoder.log_prob(images, np.full(1, z, "float32"), batch_size=4096) for z in _GRID
    ]
    return np.exp(np.stack(given, axis=1).astype("float64")) * prior


def test_log_prob_tends_to_the_integral_over_the_latents_and_the_bound_stays_below(tiny, joint):
    law = joint.sum(axis=1)
    assert abs(law.sum() - 1.0) < 1e-4
    images = all_images(tiny)
    found = to_numpy(tiny.log_prob(images, importance_samples=2000))
    np.testing.assert_allclose(found, np.log(law), atol=0.2)
    bound = to_numpy(tiny.elbo(images, importance_samples=2000))
    mean, scale = map(to_numpy, tiny.encode(images))
    # The bound by the same integral: E log p(x|z) under the encoder's law, minus the divergence.
    density = np.exp(-0.5 * ((_GRID - mean) / scale) ** 2)
    density /= density.sum(axis=1, keepdims=True)
    prior = np.exp(-0.5 * _GRID**2) / math.sqrt(2.0 * math.pi) * (_GRID[1] - _GRID[0])
    expected = np.sum(density * np.log(joint / prior), axis=1)
    divergence = 0.5 * (mean**2 + scale**2 - 1.0 - 2.0 * np.log(scale))[:, 0]
    np.testing.assert_allclose(bound, expected - divergence, atol=0.4)
    assert np.all(expected - divergence < np.log(law))


def test_one_draw_is_the_bound_and_fewer_draws_are_the_first_of_more(tiny):
    images = all_images(tiny)[:5]
    one = to_numpy(tiny.log_prob(images, importance_samples=1))
    np.testing.assert_allclose(one, tiny.elbo(images, importance_samples=1), rtol=1e-5)
    two = to_numpy(tiny.log_prob(images, importance_samples=2))
    # log((w1 + w2) / 2) and (log w1 + log w2) / 2 give w2 back, which must be the same in both.
    second = np.log(2.0 * np.exp(two) - np.exp(one))
    mean = to_numpy(tiny.elbo(images, importance_samples=2))
    np.testing.assert_allclose(0.5 * (one + second), mean, rtol=1e-3)


def test_an_image_has_the_same_estimate_whatever_stands_beside_it(tiny):
    images = all_images(tiny)[:6]
    together = to_numpy(tiny.log_prob(images))
    alone = [to_numpy(tiny.log_prob(image[None]))[0] for image in images]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    np.testing.assert_array_equal(together, to_numpy(tiny.log_prob(images)))


def test_samples_follow_the_integral_over_the_latents(tiny, joint):
    law = joint.sum(axis=1)
    samples = tiny.sample(4000, seed=1, verbose=False)
    observed = np.bincount(codes(samples, 2), minlength=len(law))
    check_frequencies(observed, 4000 * law, "samples of PixelVAE")


def test_completions_take_latents_that_fit_what_is_known(tiny, joint):
    """After a known first row its image has the law of p(x) given that row, not that of any z."""
    images = all_images(tiny)
    known = np.array([[True] * 3, [False] * 3])
    far_from_prior = 0.0
    for row in ([0, 0, 0], [1, 1, 1], [0, 1, 0]):
        given = np.zeros((2, 3, 1), "uint8")
        given[0, :, 0] = row
        is_possible = np.all(images[:, 0, :, 0] == row, axis=1)
        law = np.where(is_possible, joint.sum(axis=1), 0.0)
        law /= law.sum()
        # What one would get from latents of the prior, whatever is known.
        by_latent = np.where(is_possible[:, None], joint, 0.0)
        prior = joint.sum(axis=0)
        blind = (by_latent / by_latent.sum(axis=0) * prior).sum(axis=1)
        far_from_prior = max(far_from_prior, np.abs(law - blind).sum())
        filled = tiny.complete(np.tile(given, (4000, 1, 1, 1)), known, seed=2, verbose=False)
        assert np.all(filled[:, 0, :, 0] == row)
        found = np.bincount(codes(filled, 2), minlength=len(law)) / 4000
        assert np.abs(found - law).sum() < 0.08
    assert far_from_prior > 0.2


@pytest.mark.parametrize(
    "is_known",
    # Without anything known the same, with fewer latents to choose from.
    [pytest.param(False, id="sample", marks=pytest.mark.slow), pytest.param(True, id="complete")],
)
def test_remembering_changes_no_image(is_known):
    model = randomized(colour)
    images, known = random_images(model, 3), np.zeros((4, 5), bool)
    known[:2] = known[3, 1] = is_known
    drawn = [
        model.complete(images, known, seed=3, cached=cached, verbose=False)
        for cached in (True, False)
    ]
    np.testing.assert_array_equal(*drawn)
    np.testing.assert_array_equal(drawn[0][:, known], images[:, known])
    again = model.complete(images[:2], known, seed=3, verbose=False)
    np.testing.assert_array_equal(again, drawn[0][:2])


def test_what_stands_at_unknown_places_does_not_matter():
    model = randomized(colour)
    known = np.zeros((4, 5), bool)
    known[:1] = True
    one, other = random_images(model, 2, seed=0), random_images(model, 2, seed=1)
    other[:, :1] = one[:, :1]
    drawn = [model.complete(x, known, seed=0, verbose=False) for x in (one, other)]
    np.testing.assert_array_equal(*drawn)


def test_decoder_and_encoder_are_models_of_their_own():
    model = randomized(colour)
    images = random_images(model, 3)
    mean, scale = model.encode(images)
    assert mean.shape == scale.shape == (3, 3) and np.all(to_numpy(scale) > 0.0)
    assert isinstance(model.decoder, keras_ar.GatedPixelCNN)
    again = model.decoder.sample(3, condition=mean, seed=0, verbose=False)
    assert again.shape == images.shape
    assert np.all(np.isfinite(to_numpy(model.decoder.log_prob(images, mean))))


def test_fit_maximises_the_bound_and_uses_the_latents():
    """Images are all black or all white: a latent tells which, and the loss comes near log 2."""
    keras.utils.set_random_seed(1)
    model = PixelVAE((4, 4, 1), levels=2, latent_size=2, warmup_steps=30, **_SMALL)
    images = np.repeat(np.arange(32) % 2, 16).reshape(32, 4, 4, 1).astype("uint8")
    model.compile(keras.optimizers.Adam(1e-2))
    start = model.evaluate(images, verbose=0)[0]
    model.fit(images, batch_size=16, epochs=60, verbose=0)
    nats, bits = model.evaluate(images, verbose=0)
    assert math.log(2.0) < nats < 0.2 * start
    assert bits == pytest.approx(nats / math.log(2.0) / 16, rel=1e-4)
    assert nats == pytest.approx(-np.mean(to_numpy(model.elbo(images))), abs=0.3)
    assert float(ops.convert_to_numpy(model.get_layer("latents").warmth)) == 1.0


def test_the_divergence_is_that_of_two_gaussians_and_warms_up_in_training_only():
    layer = GaussianLatents(warmup_steps=4)
    mean, log_scale = np.array([[0.5, -1.0]]), np.array([[-1.0, 0.3]])
    inputs = np.concatenate([mean, log_scale], axis=1).astype("float32")
    step = 1e-3
    grid = np.arange(-12.0, 12.0, step)
    wanted = 0.0
    for m, s in zip(mean[0], np.exp(log_scale[0]), strict=True):
        log_q = -0.5 * ((grid - m) / s) ** 2 - np.log(s)
        wanted += np.sum(np.exp(log_q) * (log_q + 0.5 * grid**2)) * step / math.sqrt(2.0 * math.pi)
    assert to_numpy(layer(inputs)[1])[0] == pytest.approx(wanted, rel=1e-4)
    counted = [to_numpy(layer(inputs, training=True)[1])[0] / wanted for _ in range(6)]
    np.testing.assert_allclose(counted, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0], atol=1e-4)
    assert to_numpy(layer(inputs)[1])[0] == pytest.approx(wanted, rel=1e-4)


def test_latents_are_draws_from_the_gaussian():
    layer = GaussianLatents(seed=3)
    inputs = np.tile(np.array([[2.0, -1.0]], "float32"), (20000, 1))
    latents = to_numpy(layer(inputs)[0])
    assert latents.mean() == pytest.approx(2.0, abs=0.02)
    assert latents.std() == pytest.approx(math.exp(-1.0), rel=0.03)


@pytest.mark.parametrize("way", marked(["config", "keras", "clone", "folder"], fast=["folder"]))
def test_round_trips_keep_the_estimate(way, tmp_path):
    model = randomized(colour)
    images = random_images(model, 3)
    if way == "keras":
        model.save(tmp_path / "model.keras")
        other = keras.saving.load_model(tmp_path / "model.keras")
    elif way == "folder":
        other = keras_ar.zoo.load(keras_ar.zoo.save(model, tmp_path / "folder"))
    else:
        make = (
            keras.models.clone_model
            if way == "clone"
            else lambda m: type(m).from_config(m.get_config())
        )
        other = make(model)
        other.set_weights(model.get_weights())
    assert type(other) is PixelVAE and other.get_config() == model.get_config()
    np.testing.assert_allclose(other.log_prob(images), model.log_prob(images), rtol=1e-6)
    np.testing.assert_array_equal(
        other.sample(2, seed=0, verbose=False), model.sample(2, seed=0, verbose=False)
    )


@pytest.mark.slow
def test_half_precision_trains(dtype_policy):
    dtype_policy("mixed_bfloat16")
    model = colour(warmup_steps=0)
    images = random_images(model, 8)
    model.compile("adam")
    losses = model.fit(images, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.all(np.isfinite(to_numpy(model.log_prob(images))))


def test_without_an_image_s_own_latents_the_network_is_causal():
    field = receptive_field(randomized(colour), 2, 2)
    later = np.arange(20).reshape(4, 5) > 2 * 5 + 2
    assert not np.any(field & later) and np.any(field)


def test_an_illegal_value_makes_its_own_estimate_nan_in_a_graph():
    model = randomized(one_latent)
    images = ops.convert_to_tensor(np.array([[[[0]] * 3] * 2, [[[2]] * 3] * 2], "int32"))
    found = to_numpy(model.log_prob_graph(images))
    assert np.isfinite(found[0]) and np.isnan(found[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: PixelVAE((4, 4, 1), latent_size=0), ValueError, "latent_size must be positive"),
        (lambda: PixelVAE((4, 4, 1), encoder_filters=()), ValueError, "encoder_filters must be"),
        (lambda: PixelVAE((4, 4, 1), warmup_steps=-1), ValueError, "cannot be negative"),
        (lambda: GaussianLatents()(np.zeros((2, 3))), ValueError, "make an even number"),
    ],
)
def test_impossible_sizes_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_questions_without_an_answer_are_refused(tiny):
    images = all_images(tiny)[:2]
    with pytest.raises(ValueError, match="importance_samples must be a positive integer; got 0"):
        tiny.log_prob(images, importance_samples=0)
    with pytest.raises(ValueError, match="unconditional: leave condition out"):
        tiny.sample(2, condition=1)
    with pytest.raises(ValueError, match="has latents, on which its gradients depend"):
        keras_ar.input_gradients(tiny, images)
    with pytest.raises(NotImplementedError, match=r"model\.decoder\.distribution"):
        tiny.distribution(images)
