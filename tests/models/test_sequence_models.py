"""Models of sequences: what they see, their laws, two executions and lengths."""

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
    random_images,
    randomized,
    to_numpy,
    value_and_gradients,
)
from keras import ops
from marks import marked
from sequence_variants import (
    LENGTH,
    SEQUENCE_KINDS,
    SEQUENCE_ONE_OF_EACH,
    SEQUENCE_VARIANTS,
    every_sequence_variant,
    log_prob,
    one_condition,
    sequences_and_condition,
)

from keras_ar.models import TemporalConvNet, WaveNet


def part_of(condition, rows: slice):
    parts = tuple(x[rows] for x in conditions_of(condition))
    return parts if len(parts) > 1 else parts[0] if parts else None


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


@pytest.mark.parametrize("name", marked(SEQUENCE_VARIANTS, fast=SEQUENCE_ONE_OF_EACH))
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


@pytest.mark.parametrize("name", SEQUENCE_KINDS)
def test_compiled_parameters_are_those_of_eager_ones(name):
    check_compiled_equals_eager(randomized(SEQUENCE_VARIANTS[name]))


@pytest.mark.parametrize("name", marked(SEQUENCE_VARIANTS, fast=SEQUENCE_ONE_OF_EACH))
def test_a_long_sequence_has_the_same_probability_in_small_passes(name, monkeypatch):
    model = randomized(SEQUENCE_VARIANTS[name])
    sequences, condition = sequences_and_condition(model, 3, 20)
    lengths = [20, 13, 1]
    whole = to_numpy(model.log_prob(sequences, condition, lengths=lengths))
    small_passes(monkeypatch, 2 * 6)
    parts = to_numpy(model.log_prob(sequences, condition, lengths=lengths, batch_size=2))
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCE_KINDS)
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


@pytest.mark.parametrize("name", marked(["char_rnn_lstm", "wavenet_codes"], slow={"char_rnn_lstm"}))
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


@pytest.mark.parametrize("name", SEQUENCE_KINDS)
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


@pytest.mark.parametrize("name", marked(SEQUENCE_VARIANTS, fast=["char_rnn_gru", "wavenet_both"]))
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
