"""The incremental execution of whole models: equal to the parallel one, or refused by name."""

import keras
import numpy as np
import pytest
from checks import (
    check_two_executions_agree,
    random_condition,
    random_images,
    randomize_weights,
    randomized,
)
from keras import ops
from marks import marked
from variants import ONE_OF_EACH, VARIANTS, every_variant, shared_model

from keras_ar.distributions import BernoulliLikelihood
from keras_ar.layers import GatedResidualBlock, MaskedConv2D, Shift2D, ShiftedConv2D
from keras_ar.models import AutoregressiveModel, PixelCNN, PixelCNNPP


def binary_model(network, image_shape=(4, 5, 1)):
    """Make a model of binary images from a function of features ``(batch, 4, 5, 1)``."""
    images = keras.Input(image_shape, dtype="int32")
    features = ops.cast(images, "float32")
    return AutoregressiveModel(
        images,
        network(features),
        likelihood=BernoulliLikelihood(1),
        config={"image_shape": image_shape},
    )


@every_variant
def test_the_two_executions_of_every_model_agree(build):
    check_two_executions_agree(shared_model(build, scale=0.7))


# Two programs take long to compile, and parameters are compared above for each.
@pytest.mark.parametrize("name", marked(VARIANTS, fast=set(ONE_OF_EACH) - {"plus_plus_colour"}))
def test_cached_and_plain_sampling_give_the_same_images(name):
    model = shared_model(VARIANTS[name], scale=0.7)
    condition = random_condition(model, 3)
    options = {"condition": condition, "seed": 3, "verbose": False}
    cached = model.sample(3, **options)
    np.testing.assert_array_equal(cached, model.sample(3, cached=False, **options))
    assert len(np.unique(cached)) > 1


@pytest.mark.parametrize(
    ("name", "known_rows"),
    [
        pytest.param(name, rows, marks=pytest.mark.slow)
        if name.startswith("plus_plus")
        else (name, rows)
        for name in ONE_OF_EACH
        for rows in (1, 3, 4)
    ],
)
def test_cached_and_plain_completion_give_the_same_images(name, known_rows):
    """Whole known rows, a known part of a row, and a known end below what is unknown."""
    model = shared_model(VARIANTS[name], scale=0.7)
    images, condition = random_images(model, 3), random_condition(model, 3)
    known = np.zeros((3, *model.image_shape[:2]), bool)
    known[:, : known_rows - 1] = known[:, -1, 1:] = known[1, known_rows - 1, 2:] = True
    options = {"condition": condition, "seed": 3, "verbose": False}
    cached = model.complete(images, known, **options)
    np.testing.assert_array_equal(cached, model.complete(images, known, cached=False, **options))
    np.testing.assert_array_equal(cached[known], images[known])


def test_known_rows_are_absorbed_and_rows_after_the_last_unknown_pixel_are_not_run():
    model = shared_model(VARIANTS["plus_plus_colour"], scale=0.7)
    images = random_images(model, 3)
    known = np.ones(model.image_shape[:2], bool)
    known[5, 1] = False
    rows = []
    model.complete(images, known, callback=lambda row, _: rows.append(row), verbose=False)
    assert rows == [4, 5]  # row 4 is where a coarse row of 4 begins


def test_sampling_follows_the_weights_after_they_change():
    # Weight normalisation is folded before the loop, so a stale fold would show.
    model = shared_model(VARIANTS["plus_plus_colour"], scale=0.7)
    weights = model.get_weights()
    before = model.sample(3, seed=0, verbose=False)
    randomize_weights(model, seed=9, scale=0.7)
    after = model.sample(3, seed=0, verbose=False)
    plain = model.sample(3, seed=0, cached=False, verbose=False)
    model.set_weights(weights)
    assert np.any(before != after)
    np.testing.assert_array_equal(after, plain)


def test_the_callback_sees_finished_rows_and_can_stop():
    model = shared_model(VARIANTS["pixelcnn_binary"], scale=0.7)
    seen = []

    def stop_after_three(row, images):
        seen.append((row, images))
        if row == 2:
            raise KeyboardInterrupt

    whole = model.sample(2, seed=0, verbose=False)
    with pytest.raises(KeyboardInterrupt):
        model.sample(2, seed=0, callback=stop_after_three, verbose=False)
    assert [row for row, _ in seen] == [0, 1, 2]
    np.testing.assert_array_equal(seen[-1][1][:, :3], whole[:, :3])
    assert not seen[-1][1][:, 3:].any()
    np.testing.assert_array_equal(model.sample(2, seed=0, verbose=False), whole)


def test_compilation_is_announced_once_per_batch_size_and_only_to_those_who_listen(capsys):
    model = randomized(VARIANTS["pixelcnn_binary"], scale=0.7)
    for count, verbose in ((2, False), (3, True), (3, True), (4, True)):
        model.sample(count, verbose=verbose)
    assert capsys.readouterr().err.count("Compiling the sampler") == 2


def test_half_precision_models_agree_with_themselves():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = randomized(VARIANTS["gated_colour"], scale=0.3)
    finally:
        keras.config.set_dtype_policy(policy)
    assert keras.backend.standardize_dtype(model.sampler.network.prepare()[0][0].dtype) == (
        "bfloat16"
    )
    cached = model.sample(16, seed=0, verbose=False)
    plain = model.sample(16, seed=0, cached=False, verbose=False)
    # Sums in another order are rounded differently in bfloat16: some draws may part.
    assert np.mean(cached != plain) < 0.1


class Doubling(keras.layers.Layer):
    """Neither steps nor claims to be pointwise."""

    def call(self, inputs):
        return 2.0 * inputs


class PointwiseDoubling(Doubling):
    is_pointwise = True


class RowsAbove(keras.layers.Layer):
    """Sum of all rows above: a memory that no layer of ours has."""

    delay = "row"

    def call(self, inputs):
        return ops.cumsum(inputs, axis=1) - inputs

    def initial_state(self, batch_size, input_shape):
        return ops.zeros((batch_size, 1, *input_shape[2:]))

    def step(self, inputs, state):
        return state, state + inputs

    def state_after(self, inputs, rows):
        total = ops.cumsum(ops.pad(inputs, ((0, 0), (1, 0), (0, 0), (0, 0))), axis=1)
        return ops.slice(total, (0, rows, 0, 0), (ops.shape(inputs)[0], 1, *inputs.shape[2:]))


def masked(features):
    return MaskedConv2D(2, 3, "A")(features)


def test_a_layer_of_the_users_own_is_refused_by_name_and_runs_uncached():
    model = binary_model(lambda x: MaskedConv2D(1, 1, "B")(Doubling(name="my_doubling")(masked(x))))
    with pytest.raises(ValueError, match=r"my_doubling.*Doubling.*initial_state.*is_pointwise"):
        model.sample(2, verbose=False)
    assert model.sample(2, seed=0, cached=False, verbose=False).shape == (2, 4, 5, 1)


def test_a_layer_of_the_users_own_may_declare_itself_pointwise_or_step():
    def network(features):
        above = RowsAbove()(features)
        hidden = ops.concatenate([masked(features), above], axis=-1)
        return MaskedConv2D(1, 1, "B")(PointwiseDoubling()(hidden))

    model = randomized(lambda: binary_model(network), scale=0.7)
    check_two_executions_agree(model)
    known = np.zeros((4, 5), bool)
    known[:2] = True
    images = random_images(model, 3)
    options = {"seed": 1, "verbose": False}
    cached = model.complete(images, known, **options)
    np.testing.assert_array_equal(cached, model.complete(images, known, cached=False, **options))


@pytest.mark.parametrize(
    ("mix", "name"),
    [
        (lambda x: x + keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x), "pool"),
        (lambda x: keras.layers.Conv2D(1, 3, padding="same", name="wide")(x), "wide"),
        (lambda x: keras.layers.Softmax(axis=1, name="over_rows")(x), "over_rows"),
        (lambda x: ops.flip(x, axis=2), "flip"),
        (lambda x: x + ops.mean(x, axis=(1, 2), keepdims=True), "mean"),
        (lambda x: x * np.ones((4, 5, 1), "float32"), "multiply"),
        (lambda x: ops.concatenate([x[:, 1:], x[:, :1]], axis=1), "get_item"),
    ],
)
def test_what_mixes_positions_is_refused_by_name(mix, name):
    model = binary_model(lambda x: MaskedConv2D(1, 1, "B")(mix(masked(x))))
    with pytest.raises(ValueError, match=name):
        model.sample(1, verbose=False)


@pytest.mark.parametrize(
    "network",
    [lambda x: MaskedConv2D(1, 3, "B")(x), lambda x: ShiftedConv2D(1, (2, 2))(x)],
    ids=["masked", "shifted"],
)
def test_a_network_that_reads_the_present_pixel_is_refused(network):
    with pytest.raises(ValueError, match="depend on the pixel itself"):
        binary_model(network).sample(1, verbose=False)


def test_a_network_that_reads_the_rest_of_the_row_is_refused():
    model = binary_model(lambda x: ShiftedConv2D(1, (2, 3), "down", name="ahead")(x))
    with pytest.raises(ValueError, match=r"ahead.*to the right"):
        model.sample(1, verbose=False)


def test_a_grid_that_does_not_divide_the_image_is_refused():
    def network(features):
        hidden = Shift2D("right")(features)
        return ShiftedConv2D(1, (2, 2))(hidden) + 0.0 * ops.mean(hidden)

    with pytest.raises(ValueError, match="mean"):
        binary_model(network).sample(1, verbose=False)


def test_layers_of_keras_between_ours_are_stepped():
    def network(features):
        hidden = Shift2D("right")(features)
        hidden = GatedResidualBlock((2, 2), dropout=0.0)(keras.layers.Dense(4)(hidden))
        hidden = keras.layers.LayerNormalization()(hidden)
        hidden = keras.layers.Activation("gelu")(keras.layers.Dropout(0.3)(hidden))
        hidden = keras.layers.Concatenate()([hidden, hidden[..., :2]])
        return keras.layers.Conv2D(1, 1)(hidden)

    check_two_executions_agree(randomized(lambda: binary_model(network), scale=0.7))


def test_the_state_does_not_grow_with_the_height():
    def size(height):
        model = PixelCNN((height, 6, 1), levels=2, filters=2, num_blocks=2, head_filters=2)
        states = model.sampler.initial_states(2)
        return sum(np.asarray(x).nbytes for x in keras.tree.flatten(states))

    assert size(8) == size(16) > 0


def test_phases_that_run_the_same_program_share_it():
    model = PixelCNNPP((4, 4, 1), filters=2, num_blocks=1, num_mixtures=1)
    assert model.sampler.network.programs == [0, 1, 2, 1]
