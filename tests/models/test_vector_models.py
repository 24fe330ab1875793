"""Models of vectors: orders, laws, two executions, and what is saved."""

import keras
import numpy as np
import pytest
from checks import (
    all_images,
    check_frequencies,
    check_normalised,
    check_samples_follow_density,
    codes,
    random_images,
    randomized,
    to_numpy,
)
from keras import ops
from marks import marked
from variants import shared_model
from vector_variants import (
    ORDERED,
    ORDERLESS,
    VECTOR_ONE_OF_EACH,
    VECTOR_SLOW,
    VECTOR_VARIANTS,
    every_vector_variant,
)

from keras_ar.models import MADE, NADE, ConvNADE, DeepNADE


def places_of(model, component: int) -> np.ndarray:
    return np.argsort(model.order_of(component))


def check_vector_causal(model, seed: int = 0) -> None:
    """Redraw all from a place on: parameters up to it stay bit-identical, a later one moves."""
    rng = np.random.default_rng(seed)
    size, levels = model.num_dimensions, model.likelihood.levels
    for component in range(model.num_components):
        place = places_of(model, component)
        values = rng.integers(0, levels, (30, size))
        is_later_moved = np.zeros(size, bool)
        for start in range(size):
            other = (values + rng.integers(1, levels, values.shape)) % levels
            redrawn = np.where(place >= start, other, values)
            before, after = (
                to_numpy(model.component_parameters(ops.convert_to_tensor(x), None, component))
                for x in (values, redrawn)
            )
            moved = np.any(before != after, axis=(0, 2))
            leaks = np.flatnonzero(moved & (place <= start))
            assert not len(leaks), f"{model.name}: values {leaks} read places from {start} on."
            is_later_moved[start] = moved.any()
        assert is_later_moved[:-1].all(), f"{model.name}: nothing moves behind {is_later_moved}."


@pytest.mark.parametrize("name", marked(ORDERED, slow=VECTOR_SLOW))
def test_parameters_read_earlier_places_only_before_after_training_and_reloaded(name, tmp_path):
    model = randomized(VECTOR_VARIANTS[name])
    check_vector_causal(model)
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    model.fit(random_images(model, 4), batch_size=4, verbose=0)
    check_vector_causal(model, seed=1)
    model.save(tmp_path / "model.keras")
    check_vector_causal(keras.models.load_model(tmp_path / "model.keras"), seed=2)


@pytest.mark.parametrize("name", ORDERED)
def test_every_earlier_value_reaches_every_parameter(name):
    model = shared_model(VECTOR_VARIANTS[name])
    size, levels = model.num_dimensions, model.likelihood.levels
    # A MADE is complete with all of its masks together: one of them may lack a path.
    reached = np.zeros((size, size), bool)
    wanted = np.zeros((size, size), bool)
    values = random_images(model, 40).reshape(40, size).astype("int32")
    for component in range(model.num_components):
        place = places_of(model, component)
        wanted |= place[:, None] < place[None, :]
        for index in range(size):
            other = values.copy()
            other[:, index] = (other[:, index] + 1) % levels
            before, after = (
                to_numpy(model.component_parameters(ops.convert_to_tensor(x), None, component))
                for x in (values, other)
            )
            reached[index] |= np.any(before != after, axis=(0, 2))
    np.testing.assert_array_equal(reached, wanted)


@pytest.mark.parametrize("name", ORDERLESS)
def test_every_seen_value_reaches_every_unseen_one_and_no_unseen_value_does(name):
    model = shared_model(VECTOR_VARIANTS[name])
    size, levels = model.num_dimensions, model.likelihood.levels
    values = random_images(model, 60).reshape(60, size).astype("int32")
    is_seen = np.random.default_rng(0).random((60, size)) < 0.5

    def parameters(values):
        given = ops.convert_to_tensor(values), ops.convert_to_tensor(is_seen)
        return to_numpy(model.component_parameters(*given, 0))

    hidden = np.where(is_seen, values, (values + 1) % levels)
    np.testing.assert_array_equal(parameters(values), parameters(hidden))
    before = parameters(values)
    for index in range(size):
        other = values.copy()
        other[:, index] = (other[:, index] + 1) % levels
        moved = np.any(parameters(other) != before, axis=2)[is_seen[:, index]]
        reaches_all = name != "convnade_colour"  # Without the dense branch a window is seen.
        others = np.arange(size) != index
        assert moved[:, others].any(axis=0).all() if reaches_all else moved.any()


@every_vector_variant
@pytest.mark.parametrize("is_random", [False, True])
def test_probabilities_of_all_vectors_sum_to_one(build, is_random):
    check_normalised(shared_model(build) if is_random else build())


@every_vector_variant
def test_samples_are_as_frequent_as_they_are_probable(build):
    check_samples_follow_density(shared_model(build))


@every_vector_variant
def test_sampling_by_whole_passes_gives_the_same_values(build):
    model = shared_model(build)
    fast, plain = (model.sample(200, seed=1, cached=c, verbose=False) for c in (True, False))
    assert np.mean(fast == plain) > 0.999
    known = np.random.default_rng(0).random((200, *model.position_shape)) < 0.5
    images = random_images(model, 200)
    fast, plain = (
        model.complete(images, known, seed=1, cached=c, verbose=False) for c in (True, False)
    )
    assert np.mean(fast == plain) > 0.999
    np.testing.assert_array_equal(fast[known], images[known])
    assert np.any(fast[~known] != images[~known])


@every_vector_variant
def test_value_by_value_the_parameters_are_those_of_whole_passes(build):
    model = shared_model(build)
    values = random_images(model, 5).reshape(5, -1).astype("int32")
    for component in range(model.num_components):
        order = np.tile(model.order_of(component), (5, 1))
        if model.name.startswith(("deepnade", "convnade")):
            order = np.random.default_rng(0).permuted(order, axis=1)
        found = to_numpy(model.sampler.parameters_along(values, order, component))
        for place in range(values.shape[1]):
            is_seen = np.argsort(order, axis=1) < place
            given = ops.convert_to_tensor(np.where(is_seen, values, 0)), is_seen, component
            wanted = to_numpy(model.component_parameters(*given))
            for row in range(5):
                index = order[row, place]
                np.testing.assert_allclose(
                    found[row, index], wanted[row, index], rtol=1e-5, atol=1e-5
                )


@pytest.mark.parametrize("name", ["nade_levels", "made_binary", "deepnade_levels"])
def test_whatever_is_known_at_the_beginning_the_memory_is_the_same(name):
    model = shared_model(VECTOR_VARIANTS[name])
    size = model.num_dimensions
    images = random_images(model, 300)
    values = images.reshape(300, size)
    for number in range(1, size):
        known = np.isin(np.arange(size), model.order_of(0)[:number])
        known = known.reshape(model.event_shape)[..., 0] if images.ndim == 4 else known
        if images.ndim == 4:  # Colours of a pixel are known together.
            known = np.tile(np.arange(2) < 1, (1, 1))
        fast, plain = (
            model.complete(images, known, seed=5, cached=c, verbose=False) for c in (True, False)
        )
        np.testing.assert_array_equal(fast, plain)
    assert values.shape == (300, size)


@pytest.mark.parametrize("name", ["deepnade_binary", "convnade_binary", "deepnade_levels"])
def test_any_pattern_is_completed_by_the_law_given_all_that_is_known(name):
    model = shared_model(VECTOR_VARIANTS[name])
    size = model.num_dimensions
    known = np.zeros(model.position_shape, bool)
    known.flat[-1] = known.flat[known.size // 2] = True
    channels = size // known.size
    is_known = np.repeat(known.ravel(), channels)
    given = random_images(model, 1, seed=4)
    everything = all_images(model)
    keeps = np.all(everything.reshape(-1, size)[:, is_known] == given.ravel()[is_known], axis=1)
    order = model.order_of(0)
    order = np.concatenate([order[is_known[order]], order[~is_known[order]]])
    joint = np.exp(to_numpy(model.log_prob(everything, orders=order, batch_size=8192))) * keeps
    law = joint.astype("float64") / joint.sum()
    completed = model.complete(np.repeat(given, 3000, axis=0), known, seed=3, verbose=False)
    observed = np.bincount(codes(completed, model.likelihood.levels), minlength=len(law))
    check_frequencies(observed, 3000 * law, f"completions of {name}")
    everything_else = ~np.all(completed.reshape(-1, size) == given.ravel(), axis=1)
    assert everything_else.any()


# Round trips, precision, input ----------------------------------------------------------------


def log_prob(model):
    return to_numpy(model.log_prob_graph(ops.convert_to_tensor(random_images(model, 3))))


@every_vector_variant
def test_configs_files_and_clones_give_the_same_class_and_densities(build, tmp_path):
    model = shared_model(build)
    wanted = log_prob(model)
    twin = type(model).from_config(model.get_config())
    assert twin.get_config() == model.get_config()
    twin.set_weights(model.get_weights())
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for other in (twin, loaded, clone):
        assert type(other) is type(model)
        np.testing.assert_array_equal(log_prob(other), wanted)
    draws = [other.sample(3, seed=1, verbose=False) for other in (model, clone)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("name", marked(VECTOR_VARIANTS, fast=VECTOR_ONE_OF_EACH))
def test_a_few_steps_of_training_make_the_training_data_likelier(name):
    keras.utils.set_random_seed(0)
    model = VECTOR_VARIANTS[name]()
    images = np.repeat(random_images(model, 2), 32, axis=0)
    before = log_prob_of(model, images)
    model.compile(keras.optimizers.Adam(0.03))
    history = model.fit(images, batch_size=16, epochs=8, verbose=0)
    assert log_prob_of(model, images) > before + 0.5
    assert {"loss", "bits_per_dim"} <= set(history.history)


def log_prob_of(model, images):
    return float(np.mean(to_numpy(model.log_prob(images))))


@pytest.mark.parametrize("name", marked(VECTOR_ONE_OF_EACH, fast=["nade_levels"]))
def test_half_precision_and_xla_train_and_keep_a_float32_likelihood(name):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = VECTOR_VARIANTS[name]()
    finally:
        keras.config.set_dtype_policy(policy)
    images = random_images(model, 8)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=True)
    assert np.all(np.isfinite(model.train_on_batch(images)))
    assert to_numpy(model.log_prob(images)).dtype == np.float32
    fast, plain = (model.sample(50, seed=1, cached=c, verbose=False) for c in (True, False))
    assert np.mean(fast == plain) > 0.9


@pytest.mark.parametrize(
    "build",
    [
        lambda: NADE(1, units=2),
        lambda: MADE(1, units=(2, 2)),
        lambda: DeepNADE(1, units=2),
        lambda: ConvNADE((1, 1, 1), filters=2, kernel_size=1),
    ],
    ids=["nade", "made", "deepnade", "convnade"],
)
def test_a_single_value_has_a_law_of_its_own(build):
    model = randomized(build)
    check_normalised(model)
    ones = float(to_numpy(model.log_prob(np.ones((1, *model.event_shape), "uint8")))[0])
    drawn = model.sample(4000, seed=0, verbose=False).mean()
    assert abs(drawn - np.exp(ones)) < 0.05


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: NADE(0), "event_size must be a positive number"),
        (lambda: NADE((3, 3)), "event_size must be a positive number"),
        (lambda: NADE(3, levels=1), "levels must be at least 2"),
        (lambda: NADE(3, units=0), "units and num_outputs must be positive"),
        (lambda: NADE(3, order=(0, 1)), r"each index 0\.\.2 once"),
        (lambda: NADE(3, order=(0, 1, 1)), r"each index 0\.\.2 once"),
        (lambda: MADE(3, units=(2, 0)), "units and num_masks must be positive"),
        (lambda: MADE(3, num_masks=0), "units and num_masks must be positive"),
        (lambda: DeepNADE(3, units=()), "units must be one positive number or more"),
        (lambda: ConvNADE((4, 4, 1), filters=(2, 2)), "filters must be an odd number"),
        (lambda: ConvNADE((4, 4, 1), kernel_size=7), "4x4 is too small"),
    ],
)
def test_impossible_models_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_impossible_values_masks_and_orders_are_refused():
    model = DeepNADE(3, units=2)
    values = np.zeros((2, 3), "uint8")
    for wrong, message in [
        (values + 2, r"must lie in 0\.\.1"),
        (values[0], r"images\[None\]"),
        (values[:, :2], r"must have shape \(batch, 3\)"),
        (values + 0.5, "whole numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.log_prob(wrong)
    for orders in ([[0, 1, 1]], [[0, 1]], np.zeros((0, 3))):
        with pytest.raises(ValueError, match="order"):
            model.log_prob(values, orders=orders)
    for number in (0, -1, 1.5):
        with pytest.raises(ValueError, match="number of orders must be a positive integer"):
            model.log_prob(values, orders=number)
    for known in (np.zeros(2, bool), np.zeros((3, 3), bool)):
        with pytest.raises(ValueError, match="known must have shape"):
            model.complete(values, known)
    with pytest.raises(ValueError, match="no model of images"):
        _ = model.image_shape


def test_the_callback_sees_the_rows_of_an_image_and_stretches_of_a_vector():
    seen = []
    model = NADE((3, 2, 1), units=2)
    model.sample(2, seed=0, callback=lambda row, images: seen.append((row, images.shape)))
    assert seen == [(row, (2, 3, 2, 1)) for row in range(3)]
    seen.clear()
    masks = MADE((2, 2, 1), units=3, num_masks=4, shuffles_order=True)
    drawn = masks.sample(9, seed=0, callback=lambda row, images: seen.append((row, images)))
    assert {images.shape for _, images in seen} == {(9, 2, 2, 1)}
    np.testing.assert_array_equal(seen[-1][1], drawn)
    seen.clear()
    NADE(130, units=2).sample(2, callback=lambda part, values: seen.append((part, values.shape)))
    assert seen == [(part, (2, 130)) for part in range(3)]
