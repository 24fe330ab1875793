"""Models of sequences: what they see, their laws, two executions, lengths, and what is saved."""

import keras
import numpy as np
import pytest
from checks import (
    check_causal,
    check_compiled_equals_eager,
    check_frequencies,
    check_normalised,
    codes,
    conditions_of,
    parameters,
    probabilities,
    random_condition,
    random_images,
    randomized,
    to_numpy,
    value_and_gradients,
)
from keras import ops
from sequence_variants import (
    SEQUENCE_ONE_OF_EACH,
    SEQUENCE_VARIANTS,
    every_sequence_variant,
    slow_but,
)

from keras_ar import zoo
from keras_ar.models import CharRNN, TemporalConvNet, WaveNet

# Longer than every receptive field here.
LENGTH = 14


def sequences_and_condition(model, count, length=LENGTH):
    return random_images(model, count, length=length), random_condition(model, count, length=length)


def part_of(condition, rows: slice):
    parts = tuple(x[rows] for x in conditions_of(condition))
    return parts if len(parts) > 1 else parts[0] if parts else None


def log_prob(model, given=None):
    # Without compilation, which takes longer than everything else here.
    sequences, condition = given or sequences_and_condition(model, 3)
    return to_numpy(model.log_prob_graph(sequences, *conditions_of(condition)))


def small_passes(monkeypatch, number: int):
    """Let a network pass take so few codes that sequences are cut."""
    for module in ("keras_ar.models.sequence_model", "keras_ar.sampling.sequence"):
        monkeypatch.setattr(f"{module}.CODES_PER_PASS", number)


# What is seen ---------------------------------------------------------------------------------


@every_sequence_variant
def test_codes_read_earlier_ones_only_before_after_training_and_reloaded(build, tmp_path):
    model = build()
    check_causal(model, length=LENGTH)
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    sequences, condition = sequences_and_condition(model, 4)
    model.fit(sequences, condition, batch_size=4, verbose=0)
    check_causal(model, seed=1, length=LENGTH)
    model.save(tmp_path / "model.keras")
    check_causal(keras.models.load_model(tmp_path / "model.keras"), seed=2, length=LENGTH)


def reached_distances(model, length: int, count: int = 30) -> set[int]:
    """Return how far back the codes lie on which a later one's parameters depend."""
    sequences, condition = sequences_and_condition(model, count, length)
    before, found = parameters(model, sequences, condition), set()
    for place in range(length):
        other = sequences.copy()
        other[:, place] = (other[:, place] + 1) % model.vocabulary_size
        moved = np.any(before != parameters(model, other, condition), axis=(0, 2))
        found |= set((np.flatnonzero(moved) - place).tolist())
    return found


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (SEQUENCE_VARIANTS["temporal_conv_net"], 7),
        (SEQUENCE_VARIANTS["wavenet_codes"], 8),
        (SEQUENCE_VARIANTS["wavenet_mixture"], 9),
        (SEQUENCE_VARIANTS["wavenet_both"], 5),
        (lambda: TemporalConvNet(4, num_blocks=1, kernel_size=1, filters=4), 1),
        (lambda: TemporalConvNet(4, num_blocks=3, kernel_size=3, filters=4), 29),
        (lambda: WaveNet(4, num_stacks=1, kernel_size=1, **{"layers_per_stack": 2}), 1),
        (lambda: WaveNet(4, num_stacks=3, layers_per_stack=3, filters=8, skip_filters=8), 23),
    ],
)
def test_the_receptive_field_is_exactly_that_of_the_formula(build, field):
    model = randomized(build)
    assert model.receptive_field == field
    assert reached_distances(model, field + 4) == set(range(1, field + 1))


@pytest.mark.parametrize("name", ["char_rnn_lstm", "char_rnn_gru"])
def test_a_recurrent_network_sees_everything_before(name):
    assert reached_distances(randomized(SEQUENCE_VARIANTS[name]), 12) == set(range(1, 12))


def test_the_default_receptive_fields_are_those_of_the_pages():
    assert WaveNet().receptive_field == 3 * 1023 + 2
    assert TemporalConvNet(65).receptive_field == 253


@every_sequence_variant
def test_the_law_of_the_first_code_depends_on_no_code_and_no_length(build):
    model = randomized(build)
    sequences, condition = sequences_and_condition(model, 3)
    firsts = [
        parameters(model, given, condition)[:, 0]
        for given in (sequences, (sequences + 1) % model.vocabulary_size)
    ]
    np.testing.assert_array_equal(*firsts)
    alone = parameters(model, sequences[:, :1], condition_of_first(model, condition))
    np.testing.assert_allclose(alone[:, 0], firsts[0], rtol=1e-5, atol=1e-5)


def condition_of_first(model, condition):
    """Return what one code needs of the condition: the first frame."""
    parts = [
        x[:, :1] if given.name == "features" else x
        for x, given in zip(conditions_of(condition), model.inputs[1:], strict=True)
    ]
    return None if not parts else parts[0] if len(parts) == 1 else tuple(parts)


# Laws -----------------------------------------------------------------------------------------


@every_sequence_variant
@pytest.mark.parametrize("is_random", [False, True])
def test_probabilities_of_all_sequences_sum_to_one(build, is_random):
    model = randomized(build) if is_random else build()
    check_normalised(model, one_condition(model))


def one_condition(model, seed: int = 0, length: int = 5):
    """Return a condition for all sequences alike."""
    parts = tuple(x[0] for x in conditions_of(random_condition(model, 1, seed, length)))
    return parts if len(parts) > 1 else parts[0] if parts else None


@pytest.mark.parametrize(
    "name", slow_but(SEQUENCE_VARIANTS, *SEQUENCE_ONE_OF_EACH, "wavenet_mixture")
)
def test_samples_are_as_frequent_as_probable_and_those_of_whole_passes(name):
    model, count = randomized(SEQUENCE_VARIANTS[name]), 4000
    condition = one_condition(model)
    fast, plain = (
        model.sample(count, length=5, condition=condition, seed=1, cached=c, verbose=False)
        for c in (True, False)
    )
    assert np.mean(fast == plain) > 0.999
    expected = count * probabilities(model, condition)
    observed = np.bincount(codes(fast, model.likelihood.levels), minlength=len(expected))
    check_frequencies(observed, expected, f"samples of {model.name}")


# Two executions -------------------------------------------------------------------------------


@every_sequence_variant
def test_step_by_step_the_parameters_are_those_of_one_pass(build):
    model = randomized(build)
    sequences, condition = sequences_and_condition(model, 2, 2 * LENGTH)
    conditions = [ops.convert_to_tensor(x) for x in conditions_of(condition)]
    found = to_numpy(model.sampler.parameters_along(sequences.astype("int32"), *conditions))
    wanted = parameters(model, sequences, condition)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCE_ONE_OF_EACH)
def test_compiled_parameters_are_those_of_eager_ones(name):
    check_compiled_equals_eager(randomized(SEQUENCE_VARIANTS[name]))


@every_sequence_variant
def test_a_long_sequence_has_the_same_probability_in_small_passes(build, monkeypatch):
    model = randomized(build)
    sequences, condition = sequences_and_condition(model, 3, 20)
    lengths = [20, 13, 1]
    whole = to_numpy(model.log_prob(sequences, condition, lengths=lengths))
    small_passes(monkeypatch, 2 * 6)
    parts = to_numpy(model.log_prob(sequences, condition, lengths=lengths, batch_size=2))
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCE_ONE_OF_EACH)
def test_a_known_beginning_may_be_longer_than_a_pass_and_than_what_is_remembered(name, monkeypatch):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences, condition = sequences_and_condition(model, 20, 18)
    given = sequences[:, :15]
    small_passes(monkeypatch, 20 * 4)
    fast, plain = (
        model.complete(given, length=18, condition=condition, seed=2, cached=c, verbose=False)
        for c in (True, False)
    )
    np.testing.assert_array_equal(fast, plain)
    np.testing.assert_array_equal(fast[:, :15], given)
    assert fast.dtype == np.uint8
    assert len(np.unique(fast[:, 15:])) > 1


@pytest.mark.parametrize("name", ["char_rnn_lstm", "wavenet_codes"])
def test_known_codes_anywhere_are_kept_and_what_follows_takes_account_of_them(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences = random_images(model, 300, length=6)
    known = np.random.default_rng(0).random(sequences.shape) < 0.5
    fast, plain = (
        model.complete(sequences, known, seed=1, cached=c, verbose=False) for c in (True, False)
    )
    assert np.mean(fast == plain) > 0.999
    np.testing.assert_array_equal(fast[known], sequences[known])
    assert np.any(fast[~known] != sequences[~known])


def test_samples_longer_than_a_compiled_chunk_are_those_of_whole_passes():
    model, seen = randomized(SEQUENCE_VARIANTS["wavenet_codes"]), []
    model.sampler.chunk = 4
    fast, plain = (
        model.sample(5, length=11, seed=1, cached=c, verbose=False, callback=call)
        for c, call in ((True, lambda *now: seen.append(now)), (False, None))
    )
    np.testing.assert_array_equal(fast, plain)
    assert [time for time, _ in seen] == [4, 8, 11]
    np.testing.assert_array_equal(seen[-1][1], fast)


def test_top_k_of_one_takes_the_most_likely_code_at_every_step():
    model = randomized(SEQUENCE_VARIANTS["char_rnn_lstm"])
    drawn = model.sample(2, length=7, top_k=1, seed=5, verbose=False)
    np.testing.assert_array_equal(drawn, np.argmax(parameters(model, drawn), axis=-1))


@pytest.mark.parametrize("name", SEQUENCE_ONE_OF_EACH)
def test_one_step_is_a_function_of_code_and_state_with_no_memory_of_its_own(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences, condition = sequences_and_condition(model, 2, 4)
    network = model.sampler.network
    constant, over_time = network.prepare(*map(ops.convert_to_tensor, conditions_of(condition)))
    place = network.start(2)
    present = [x[:, :1] for x in over_time]
    first, _ = network.step(*place, constant, present)
    again, after = network.step(*place, constant, present)
    np.testing.assert_array_equal(to_numpy(first), to_numpy(again))
    second, _ = network.step(sequences[:, 0].astype("int32"), after, constant, present)
    assert np.any(to_numpy(second) != to_numpy(first))


# Lengths --------------------------------------------------------------------------------------


@every_sequence_variant
def test_padded_sequences_have_the_probabilities_they_have_alone(build):
    model = randomized(build)
    sequences, condition = sequences_and_condition(model, 3)
    lengths = np.array([LENGTH, 6, 1])
    is_code = np.arange(LENGTH) < lengths[:, None]
    padded = np.where(is_code, sequences.astype("int32"), -1)
    together = log_prob(model, (padded, condition))
    for row, length in enumerate(lengths):
        alone = part_of(condition, slice(row, row + 1))
        if model.hop:
            frames = -(-length // model.hop)
            features = conditions_of(alone)[-1][:, :frames]
            alone = (*conditions_of(alone)[:-1], features)
        found = log_prob(model, (sequences[row : row + 1, :length], alone))
        np.testing.assert_allclose(found, together[row], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["char_rnn_gru", "wavenet_features"])
def test_lengths_say_the_same_as_codes_of_minus_one_and_bits_are_per_code(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences, condition = sequences_and_condition(model, 3)
    lengths = np.array([LENGTH, 6, 1])
    padded = np.where(np.arange(LENGTH) < lengths[:, None], sequences.astype("int32"), -1)
    by_lengths = to_numpy(model.log_prob(sequences, condition, lengths=lengths))
    np.testing.assert_array_equal(by_lengths, to_numpy(model.log_prob(padded, condition)))
    bits = to_numpy(model.bits_per_dim(sequences, condition, lengths=lengths))
    np.testing.assert_allclose(bits, -by_lengths / np.log(2.0) / lengths, rtol=1e-5)


@pytest.mark.parametrize("name", ["char_rnn_lstm", "temporal_conv_net"])
def test_a_padded_batch_has_the_loss_bits_and_gradients_of_its_sequences(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences = random_images(model, 2, length=LENGTH).astype("int32")
    padded = np.where(np.arange(LENGTH) < np.array([[LENGTH], [4]]), sequences, -1)
    parts = [sequences[:1], sequences[1:, :4]]
    nats = [-float(log_prob(model, (part, None))[0]) for part in parts]
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = model.evaluate(padded, batch_size=2, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(sum(nats) / 2, rel=1e-5)
    assert found["bits_per_dim"] == pytest.approx(sum(nats) / np.log(2.0) / (LENGTH + 4), rel=1e-5)

    def gradients(given):
        def total():
            return ops.sum(model.log_prob_graph(ops.convert_to_tensor(given)))

        return value_and_gradients(total, model.trainable_variables)[1]

    for together, *alone in zip(gradients(padded), *map(gradients, parts), strict=True):
        np.testing.assert_allclose(together, sum(alone), rtol=1e-4, atol=1e-5)


@every_sequence_variant
def test_a_single_code_has_a_law_of_its_own(build):
    model = randomized(build)
    every = np.arange(model.vocabulary_size)[:, None]
    total = np.exp(to_numpy(model.log_prob(every, one_condition(model, length=1)))).sum()
    assert total == pytest.approx(1.0, abs=1e-5)


def test_a_single_code_can_be_drawn():
    model = randomized(SEQUENCE_VARIANTS["char_rnn_lstm"])
    law = np.exp(to_numpy(model.log_prob([[0], [1], [2]])))
    drawn = model.sample(4000, length=1, seed=0, verbose=False)
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=3) / 4000, law, atol=0.03)


# Training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", slow_but(SEQUENCE_ONE_OF_EACH, "char_rnn_gru", "wavenet_both"))
def test_a_few_steps_of_training_make_the_training_data_likelier(name):
    model = SEQUENCE_VARIANTS[name]()
    sequences, condition = (
        x if x is None else part_of(x, slice(2)) for x in sequences_and_condition(model, 2)
    )
    before = np.mean(log_prob(model, (sequences, condition)))
    model.compile(keras.optimizers.Adam(0.03))
    rows = np.repeat(np.arange(2), 16)
    history = model.fit(
        sequences[rows], part_of(condition, rows), batch_size=16, epochs=8, verbose=0
    )
    assert np.mean(log_prob(model, (sequences, condition))) > before + 0.5
    assert {"loss", "bits_per_dim"} <= set(history.history)


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


@pytest.mark.parametrize("name", SEQUENCE_ONE_OF_EACH)
def test_every_layer_is_rebuilt_from_its_config(name):
    for layer in SEQUENCE_VARIANTS[name]().layers:
        if type(layer).__module__.startswith("keras_ar"):
            twin = type(layer).from_config(layer.get_config())
            assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize("name", SEQUENCE_ONE_OF_EACH)
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


@pytest.mark.parametrize("name", slow_but(SEQUENCE_ONE_OF_EACH, "char_rnn_lstm"))
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
