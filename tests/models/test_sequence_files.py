"""Models of sequences: what is saved and cloned, half precision, and what is refused."""

import keras
import numpy as np
import pytest
from checks import (
    parameters,
    randomized,
    to_numpy,
)
from sequence_variants import (
    SEQUENCE_KINDS,
    SEQUENCE_VARIANTS,
    every_sequence_variant,
    log_prob,
    one_condition,
    sequences_and_condition,
)

from keras_ar import zoo
from keras_ar.models import CharRNN, TemporalConvNet, WaveNet

# Round trips ----------------------------------------------------------------------------------


@every_sequence_variant
def test_configs_files_folders_and_clones_give_the_same_class_and_densities(build, tmp_path):
    model = randomized(build)
    wanted = log_prob(model)
    twin = type(model).from_config(model.get_config())
    assert twin.get_config() == model.get_config()
    twin.set_weights(model.get_weights())
    model.save(tmp_path / "model.keras")
    zoo.save(model, tmp_path / "folder")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for other in (twin, clone, loaded, zoo.load(tmp_path / "folder")):
        assert type(other) is type(model)
        np.testing.assert_array_equal(log_prob(other), wanted)
    for weight in clone.trainable_variables:
        weight.assign(weight * 0.5)
    assert np.any(log_prob(clone) != wanted), "The clone shares weights with its model."


@pytest.mark.parametrize("name", SEQUENCE_KINDS)
def test_every_layer_is_rebuilt_from_its_config(name):
    for layer in SEQUENCE_VARIANTS[name]().layers:
        if type(layer).__module__.startswith("keras_ar"):
            twin = type(layer).from_config(layer.get_config())
            assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize("name", SEQUENCE_KINDS)
def test_half_precision_keeps_a_float32_likelihood_close_to_that_of_float32(name, dtype_policy):
    exact = randomized(SEQUENCE_VARIANTS[name])
    dtype_policy("mixed_bfloat16")
    model = SEQUENCE_VARIANTS[name]()
    model.set_weights(exact.get_weights())
    given = sequences_and_condition(model, 4)
    assert model.outputs[0].dtype == "float32"
    assert all(weight.dtype == "float32" for weight in model.trainable_variables)
    rough, fine = (parameters(network, *given) for network in (model, exact))
    assert 0 < np.abs(rough - fine).max() < 0.1 * np.abs(fine).max()
    assert log_prob(model, given).dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("name", SEQUENCE_KINDS)
def test_half_precision_trains_under_xla_and_samples_step_by_step(name, dtype_policy):
    dtype_policy("mixed_bfloat16")
    model = randomized(SEQUENCE_VARIANTS[name])
    model.compile(keras.optimizers.Adam(0.01), jit_compile=True)
    assert np.all(np.isfinite(model.train_on_batch(*sequences_and_condition(model, 4))))
    options = {"length": 4, "condition": one_condition(model, length=4), "verbose": False}
    fast, plain = (model.sample(50, seed=1, cached=c, **options) for c in (True, False))
    assert np.mean(fast == plain) > 0.9


# Input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CharRNN(1), "levels must be between 2"),
        (lambda: CharRNN(3, cell="rnn"), "cell must be one of"),
        (lambda: CharRNN(3, num_layers=0), "num_layers must be positive"),
        (lambda: CharRNN(3, units=0), "units must be positive"),
        (lambda: TemporalConvNet(3, num_blocks=0), "num_blocks must be positive"),
        (lambda: TemporalConvNet(3, filters=0), "filters must be positive"),
        (lambda: TemporalConvNet(3, kernel_size=0), "kernel_size must be a positive integer"),
        (lambda: WaveNet(3, num_stacks=0), "num_stacks must be positive"),
        (lambda: WaveNet(3, layers_per_stack=0), "layers_per_stack must be positive"),
        (lambda: WaveNet(3, num_classes=2, condition_shape=(3,)), "not both"),
        (lambda: WaveNet(3, num_features=2), "both num_features and upsampling"),
        (lambda: WaveNet(3, num_features=2, upsampling=(0,)), "positive integers"),
    ],
)
def test_impossible_models_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_impossible_codes_and_lengths_are_refused():
    model = SEQUENCE_VARIANTS["char_rnn_gru"]()
    legal = np.zeros((2, 4), "int32")
    for wrong, message in [
        (legal + 3, r"must lie in 0\.\.2"),
        (legal - 2, r"must lie in 0\.\.2"),
        (legal[0], r"codes\[None\]"),
        (legal[None], r"must have shape \(batch, time\)"),
        (legal[:, :0], "is empty"),
        (legal + 0.5, "whole numbers"),
        ([[0, -1, 1, 0]], "has ended, and codes follow"),
        ([[1, 0], [-1, -1]], "Sequence 1 is empty"),
    ]:
        for method in (model.log_prob, model.bits_per_dim, model.distribution):
            with pytest.raises(ValueError, match=message):
                method(wrong)
    with pytest.raises(TypeError, match="array of integers"):
        model.log_prob([["a", "b"]])
    for lengths, message in [
        ([4], "one number for each of the 2"),
        ([0, 4], r"must lie in 1\.\.4"),
        ([4, 5], r"must lie in 1\.\.4"),
        ([1.5, 2], "whole numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.log_prob(legal, lengths=lengths)
    with pytest.raises(ValueError, match="must lie in"):
        model.complete([[0, 1, -1]], length=5)
    with pytest.raises(ValueError, match="length is 3, and 4 codes are given"):
        model.complete(legal, length=3)
    with pytest.raises(ValueError, match="known must have shape"):
        model.complete(legal, np.zeros(5, bool))
    with pytest.raises(ValueError, match="Say how many codes"):
        model.sample(2)
    for options in ({"length": 0}, {"length": 3, "count": 0}, {"length": 3, "temperature": 0.0}):
        with pytest.raises(ValueError, match="must be"):
            model.sample(**options)
    with pytest.raises(ValueError, match="number of values is that of each sequence"):
        _ = model.num_dimensions


def test_conditions_that_are_missing_superfluous_or_do_not_fit_are_refused():
    sequences = np.zeros((2, 5), "int32")
    features = np.zeros((2, 3, 2), "float32")
    for name, condition, message in [
        ("char_rnn_lstm", [0, 1], "unconditional: leave condition out"),
        ("wavenet_classes", None, r"pass condition=class ids 0\.\.2"),
        ("wavenet_classes", [0, 3], r"must lie in 0\.\.2"),
        ("wavenet_classes", [0, 1, 2], "one for each of the 2"),
        ("wavenet_two_kinds", [0, 1, 2], "row of 2 class ids"),
        ("wavenet_two_kinds", [[0, 1], [0, 2]], "must lie in"),
        ("wavenet_embedding", np.zeros((2, 3)), "condition must have shape"),
        ("wavenet_features", None, r"features \(batch, frames, 2\), one frame per 2 codes"),
        ("wavenet_features", features[:, :2], "5 codes want 3 frames of 2 features"),
        ("wavenet_features", features + np.inf, "not finite"),
        ("wavenet_both", None, "class ids.* and features"),
        ("wavenet_both", [0, 1], "3 frames|2 frames|pair"),
        ("wavenet_both", ([0, 1],), "wants a pair"),
        ("wavenet_both", ([0, 3], features[:, :2]), "must lie in"),
    ]:
        model = SEQUENCE_VARIANTS[name]()
        with pytest.raises(ValueError, match=message):
            model.log_prob(sequences, condition)


def test_the_length_of_a_sample_follows_from_its_features():
    model = SEQUENCE_VARIANTS["wavenet_both"]()
    features = np.zeros((2, 2, 2), "float32")
    drawn = model.sample(2, condition=([0, 1], features), seed=0, cached=False, verbose=False)
    assert drawn.shape == (2, 6)


def test_a_class_out_of_range_makes_no_number_inside_a_graph():
    model = SEQUENCE_VARIANTS["wavenet_two_kinds"]()
    sequences = np.zeros((3, 4), "int32")
    found = to_numpy(model.log_prob_graph(sequences, np.array([[0, 0], [2, 1], [0, 2]], "int32")))
    np.testing.assert_array_equal(np.isnan(found), [False, False, True])


def test_codes_of_sixteen_bits_are_drawn_and_have_a_probability():
    model = WaveNet(65536, num_mixtures=2, num_stacks=1, layers_per_stack=1, filters=4)
    drawn = model.sample(2, length=3, seed=0, cached=False, verbose=False)
    assert drawn.dtype == np.uint16
    assert np.all(np.isfinite(to_numpy(model.log_prob(drawn))))
