"""The probabilities are a law: they sum to one, and sampling and completion follow them."""

import numpy as np
import pytest
from checks import (
    all_images,
    check_compiled_equals_eager,
    check_frequencies,
    check_normalised,
    check_samples_follow_density,
    codes,
    parameters,
    probabilities,
    random_condition,
    random_images,
    randomized,
    to_numpy,
)
from marks import marked
from variants import ONE_OF_EACH, VARIANTS, shared_model

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP, PixelRNN, PixelSNAIL

_SMALL = {"num_blocks": 1, "first_kernel_size": 3}
_RNN = {"filters": 3, "num_blocks": 2, "first_kernel_size": 3, "head_filters": 6}
_SNAIL = {
    "filters": 4,
    "num_blocks": 1,
    "num_residual_blocks": 1,
    "key_filters": 2,
    "num_mixtures": 2,
}
_GATED = {"num_blocks": 2, "kernel_size": 3, "first_kernel_size": 3}

# Small enough to write down every image.
ENUMERABLE = {
    "pixelcnn_binary": lambda: PixelCNN((2, 3, 1), levels=2, filters=4, head_filters=4, **_SMALL),
    "pixelcnn_colour": lambda: PixelCNN((2, 1, 3), levels=3, filters=6, head_filters=6, **_SMALL),
    "gated_grey": lambda: GatedPixelCNN((3, 2, 1), levels=3, filters=4, head_filters=4, **_GATED),
    "gated_colour": lambda: GatedPixelCNN((1, 2, 3), levels=3, filters=6, head_filters=6, **_GATED),
    "rnn_row": lambda: PixelRNN((2, 3, 1), levels=2, recurrence="row", **_RNN),
    "rnn_diagonal": lambda: PixelRNN((3, 2, 1), levels=2, **_RNN),
    "rnn_diagonal_colour": lambda: PixelRNN((2, 1, 3), levels=3, **_RNN),
    "rnn_pixel": lambda: PixelRNN((1, 1, 3), levels=4, **_RNN),
    "snail_grey": lambda: PixelSNAIL((3, 2, 1), levels=3, **_SNAIL),
    "snail_colour": lambda: PixelSNAIL((1, 2, 3), levels=3, num_heads=2, **_SNAIL),
    "gated_classes": lambda: GatedPixelCNN(
        (2, 2, 1), levels=3, filters=4, head_filters=4, num_classes=2, **_GATED
    ),
    "gated_small_map": lambda: GatedPixelCNN(
        (2, 4, 1), levels=2, filters=4, head_filters=4, condition_shape=(1, 2, 1), **_GATED
    ),
}
PLUS_PLUS = [
    pytest.param({}, id="plus_plus"),
    pytest.param({"num_classes": 2}, id="plus_plus_classes", marks=pytest.mark.slow),
    pytest.param({"condition_shape": (2,)}, id="plus_plus_embedding", marks=pytest.mark.slow),
]
_SLOW = {"rnn_pixel", "rnn_diagonal_colour", "snail_colour"}
every_enumerable = pytest.mark.parametrize("build", ENUMERABLE.values(), ids=ENUMERABLE)


def tiny_plus_plus(**options):
    return PixelCNNPP((4, 4, 1), levels=2, filters=2, num_blocks=1, num_mixtures=2, **options)


def conditions(model):
    """Return one condition per law to look at."""
    if model.num_classes:
        return range(model.num_classes)
    given = random_condition(model, 2)
    return [None] if given is None else given


@every_enumerable
@pytest.mark.parametrize("is_random", [False, True])
def test_probabilities_of_all_images_sum_to_one(build, is_random):
    model = shared_model(build) if is_random else build()
    for condition in conditions(model):
        check_normalised(model, condition)


@pytest.mark.parametrize("options", PLUS_PLUS)
def test_probabilities_of_all_65536_images_of_plus_plus_sum_to_one(options):
    model = randomized(lambda: tiny_plus_plus(**options))
    check_normalised(model, next(iter(reversed(conditions(model)))))


@pytest.mark.parametrize("name", marked(ENUMERABLE, slow=_SLOW))
def test_samples_are_as_frequent_as_they_are_probable(name):
    model = shared_model(ENUMERABLE[name])
    for condition in conditions(model):
        check_samples_follow_density(model, condition)


def test_a_condition_per_image_draws_each_image_from_its_own_law():
    model = shared_model(ENUMERABLE["gated_classes"])
    ids = np.arange(4000) % 2
    samples = model.sample(4000, condition=ids, seed=2, verbose=False)
    laws = [probabilities(model, number) for number in (0, 1)]
    assert np.abs(laws[0] - laws[1]).sum() > 0.2
    for number, law in enumerate(laws):
        observed = np.bincount(codes(samples[ids == number], 3), minlength=len(law))
        check_frequencies(observed, 2000 * law, f"class {number}")


@pytest.mark.slow
def test_samples_of_plus_plus_have_the_exact_marginals_and_entropy():
    model = randomized(tiny_plus_plus)
    law = probabilities(model)
    samples = model.sample(3000, seed=1, verbose=False)
    images = all_images(model)
    for row in range(4):
        marginal = np.bincount(codes(images[:, row], 2), law, minlength=16)
        observed = np.bincount(codes(samples[:, row], 2), minlength=16)
        check_frequencies(observed, 3000 * marginal, f"row {row}")
    log_law = np.log(law[codes(samples, 2)])
    entropy = -np.sum(law * np.log(law))
    assert abs(log_law.mean() + entropy) < 5 * log_law.std() / np.sqrt(3000)


@pytest.mark.parametrize("name", marked(ONE_OF_EACH, slow={"plus_plus_colour"}))
def test_compiled_execution_equals_eager(name):
    check_compiled_equals_eager(VARIANTS[name]())


@pytest.mark.parametrize("name", ["pixelcnn_binary", "gated_colour", "gated_classes"])
def test_completions_follow_the_law_given_the_earlier_pixels(name):
    model = shared_model(ENUMERABLE[name])
    known = np.zeros(model.image_shape[:2], bool)
    # A pixel known in the middle of the order counts for what follows, not for what precedes.
    known.flat[min(1, known.size - 2)] = True
    given = random_images(model, 1, seed=4)
    everything = all_images(model)
    keeps = np.all(everything[:, known] == given[:, known], axis=(1, 2))
    condition = 1 if model.is_conditional else None
    classes = None if condition is None else np.full(len(everything), condition)
    per_pixel = to_numpy(
        model.likelihood.log_prob(parameters(model, everything, classes), everything)
    )
    law = np.exp(np.sum(per_pixel[:, ~known], axis=1).astype("float64")) * keeps
    assert abs(law.sum() - 1) < 1e-5
    completed = model.complete(
        np.repeat(given, 4000, axis=0), known, condition=condition, seed=3, verbose=False
    )
    observed = np.bincount(codes(completed, model.likelihood.levels), minlength=len(law))
    check_frequencies(observed, 4000 * law, f"completions of {name}")


def test_draws_of_another_law_are_noticed():
    # The checks themselves: uniform draws are not taken for draws of a law far from uniform.
    model = shared_model(ENUMERABLE["pixelcnn_binary"])
    wrong = random_images(model, 4000)
    expected = 4000 * probabilities(model)
    with pytest.raises(AssertionError, match="chi-square"):
        check_frequencies(np.bincount(codes(wrong, 2), minlength=64), expected, "uniform")


def test_the_marginal_of_a_colour_ignores_the_parameters_of_later_colours():
    model = randomized(
        lambda: PixelCNNPP((4, 4, 3), levels=4, filters=4, num_blocks=1, num_mixtures=2),
        scale=0.5,
    )
    likelihood, count = model.likelihood, model.likelihood.num_mixtures
    outputs = parameters(model, random_images(model, 1))[0, 2, 1]
    values = np.indices((4, 4, 4)).reshape(3, -1).T

    def joint(outputs):
        repeated = np.broadcast_to(outputs, (64, len(outputs)))
        return np.exp(to_numpy(likelihood.log_prob(repeated, values))).reshape(4, 4, 4)

    # Blocks of ``count`` outputs: logits, 3 means, 3 log-scales, g<-r, b<-r, b<-g.
    moved = outputs.reshape(-1, count).copy()
    moved[[3, 6, 8, 9]] += 0.7  # blue
    before, after = joint(outputs), joint(moved.ravel())
    np.testing.assert_allclose(before.sum(2), after.sum(2), atol=1e-6)
    assert np.abs(before - after).max() > 1e-3
    moved[[2, 5, 7]] += 0.7  # green
    after = joint(moved.ravel())
    np.testing.assert_allclose(before.sum((1, 2)), after.sum((1, 2)), atol=1e-6)
    assert np.abs(before.sum(2) - after.sum(2)).max() > 1e-3
