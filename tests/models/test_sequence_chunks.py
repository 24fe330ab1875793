"""Training on chunks that continue each other, whatever the network remembers."""

import keras
import numpy as np
import pytest
from checks import randomize_weights, randomized, to_numpy, value_and_gradients
from keras import ops
from marks import marked
from sequence_variants import SEQUENCE_VARIANTS, UNCONDITIONAL

from keras_ar.data import ContiguousBatches
from keras_ar.models import CharRNN
from keras_ar.training.checkpoint import read_checkpoint, write_checkpoint

ROWS, LENGTH, CHUNKS = 3, 6, 4


def streams_of(model, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, model.vocabulary_size, (ROWS, LENGTH * CHUNKS))


def batches(streams: np.ndarray, **options) -> ContiguousBatches:
    options = {"num_steps": CHUNKS, **options}
    return ContiguousBatches(streams.reshape(-1), batch_size=ROWS, length=LENGTH, **options)


def without_dropout(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return model


@pytest.mark.parametrize("name", marked(UNCONDITIONAL, fast=["char_rnn_gru", "wavenet_mixture"]))
def test_the_losses_of_all_chunks_are_the_probability_of_the_whole(name):
    model = without_dropout(name)
    streams = streams_of(model)
    whole = -to_numpy(model.log_prob(streams)).mean()
    model.compile(keras.optimizers.SGD(0.0))
    for _ in range(2):  # The second epoch begins anew.
        history = model.fit(batches(streams), shuffle=False, verbose=0).history
        assert history["loss"][0] * CHUNKS == pytest.approx(whole, rel=1e-5)
        bits = whole / np.log(2.0) / (LENGTH * CHUNKS)
        assert history["bits_per_dim"][0] == pytest.approx(bits, rel=1e-5)


def test_rows_that_do_not_continue_start_fresh_whatever_the_others_do():
    model = without_dropout("char_rnn_gru")
    streams = streams_of(model)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    first, second = streams[:, :LENGTH], streams[:, LENGTH : 2 * LENGTH]
    model.train_on_batch(first, np.array([False] * ROWS))
    loss, _ = model.train_on_batch(second, np.array([True, False, True]))
    both, alone = (to_numpy(model.log_prob(x)) for x in (streams[:, : 2 * LENGTH], second))
    nats = to_numpy(model.log_prob(first)) - both
    assert loss * ROWS == pytest.approx(nats[0] - alone[1] + nats[2], rel=1e-5)


def test_batches_without_the_claim_neither_read_nor_change_what_is_remembered():
    model = without_dropout("char_rnn_lstm")
    streams = streams_of(model)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    model.train_on_batch(streams[:, :LENGTH], np.zeros(ROWS, bool))
    remembered = [to_numpy(variable) for variable in model._carried.variables]
    loss, _ = model.train_on_batch(streams)
    assert loss == pytest.approx(-to_numpy(model.log_prob(streams)).mean(), rel=1e-5)
    for variable, value in zip(model._carried.variables, remembered, strict=True):
        np.testing.assert_array_equal(to_numpy(variable), value)


def test_gradients_end_where_a_chunk_begins():
    model = without_dropout("char_rnn_lstm")
    streams = ops.convert_to_tensor(streams_of(model).astype("int32"))
    network = model.sampler.network

    def chunk_nats(is_cut: bool):
        def nats():
            first, second = streams[:, :LENGTH], streams[:, LENGTH : 2 * LENGTH]
            _, state = network.advance(first, *network.start(ROWS), (), ())
            if is_cut:
                state = keras.tree.map_structure(ops.stop_gradient, state)
            parameters, _ = network.advance(second, first[:, -1], state, (), ())
            return -ops.mean(ops.sum(model.position_log_prob(parameters, second), axis=1))

        return value_and_gradients(nats, model.trainable_variables)[1]

    cut, whole = chunk_nats(True), chunk_nats(False)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(cut, whole, strict=True))
    before = [to_numpy(weight) for weight in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    model.train_on_batch(streams[:, :LENGTH], np.zeros(ROWS, bool))
    model.optimizer.learning_rate = 1.0
    model.train_on_batch(streams[:, LENGTH : 2 * LENGTH], np.ones(ROWS, bool))
    for weight, old, gradient in zip(model.trainable_variables, before, cut, strict=True):
        np.testing.assert_allclose(old - to_numpy(weight), gradient, rtol=1e-3, atol=1e-5)


def test_dropout_falls_in_chunks_as_in_whole_sequences():
    model = randomized(lambda: CharRNN(3, units=6, dropout=0.5))
    streams = streams_of(model)[:, :LENGTH]
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    exact = -to_numpy(model.log_prob(streams)).mean()
    losses = [model.train_on_batch(streams, np.zeros(ROWS, bool))[0] for _ in range(3)]
    assert len({round(float(loss), 4) for loss in [*losses, exact]}) == 4


@pytest.mark.parametrize("name", ["char_rnn_gru", "wavenet_mixture"])
def test_a_run_goes_on_bit_for_bit_from_a_checkpoint(name, tmp_path):
    def start():
        keras.utils.set_random_seed(7)
        model = SEQUENCE_VARIANTS[name]()
        randomize_weights(model, seed=5)
        model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
        model.optimizer.build(model.trainable_variables)
        model.carry_states(ROWS)
        return model

    def groups(model):
        metrics = {id(v) for metric in model.metrics for v in metric.variables}
        kept = [v for v in model.variables if id(v) not in metrics]
        return {"model": kept, "optimizer": model.optimizer.variables}

    def train(model, first, stop):
        given = batches(streams_of(model), start_step=first, num_steps=stop - first)
        model.fit(given, shuffle=False, verbose=0)

    straight, stopped = start(), start()
    train(straight, 0, 4)
    train(stopped, 0, 2)
    write_checkpoint(tmp_path / "checkpoint.npz", groups(stopped), {})
    resumed = start()
    read_checkpoint(tmp_path / "checkpoint.npz", groups(resumed))
    train(resumed, 2, 4)
    for one, other in zip(straight.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other))


def test_what_is_remembered_is_no_weight_and_any_batch_size_goes_on(tmp_path):
    model = CharRNN(3, units=4, num_layers=1)
    weights, others = len(model.get_weights()), len(model.variables)
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    streams = streams_of(model)
    model.fit(batches(streams), shuffle=False, verbose=0)
    assert len(model.get_weights()) == weights
    assert len(model.variables) == others + 3  # The last code, hidden state and memory.
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    assert len(loaded.variables) == len(clone.variables) == others
    np.testing.assert_array_equal(
        to_numpy(loaded.log_prob(streams)), to_numpy(model.log_prob(streams))
    )
    two_rows = ContiguousBatches(streams.reshape(-1), batch_size=2, length=4, num_steps=3)
    for trained in (model, loaded):
        trained.fit(two_rows, shuffle=False, verbose=0)
    assert model._carried.batch_size == 2


@pytest.mark.tensorflow
def test_chunks_come_from_tf_data_too_and_train_under_xla():
    import tensorflow as tf

    model = without_dropout("temporal_conv_net")
    streams = streams_of(model)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=True)
    given = [batches(streams)[step] for step in range(CHUNKS)]
    codes, continues = map(np.stack, zip(*given, strict=True))
    chunks = tf.data.Dataset.from_tensor_slices((codes, continues))
    loss = model.fit(chunks, shuffle=False, verbose=0).history["loss"][0]
    assert loss * CHUNKS == pytest.approx(-to_numpy(model.log_prob(streams)).mean(), rel=1e-5)


def test_half_precision_is_carried_without_loss(dtype_policy):
    dtype_policy("mixed_bfloat16")
    model = SEQUENCE_VARIANTS["char_rnn_lstm"]()
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    model.train_on_batch(streams_of(model)[:, :LENGTH], np.zeros(ROWS, bool))
    assert {variable.dtype for variable in model._carried.variables} == {"int32", "float32"}
    values = to_numpy(model._carried.variables[1])
    assert np.any(values)
    rounded = to_numpy(ops.cast(model._carried.variables[1].value, "bfloat16"))
    np.testing.assert_array_equal(values, rounded)


def test_what_is_no_row_of_chunks_is_refused():
    model = SEQUENCE_VARIANTS["char_rnn_gru"]()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    streams = streams_of(model)
    chunks = batches(streams)
    with pytest.raises(ValueError, match="pass a data set of batches"):
        model.fit(streams, np.zeros(ROWS, bool), verbose=0)
    for wrong in (chunks, batches(streams)):
        with pytest.raises(ValueError, match="Evaluate whole sequences"):
            model.fit(chunks, validation_data=wrong, shuffle=False, verbose=0)
        with pytest.raises(ValueError, match="Evaluate whole sequences"):
            model.evaluate(wrong, verbose=0)

    class Labelled(ContiguousBatches):
        def __getitem__(self, index):
            codes, continues = super().__getitem__(index)
            return codes, continues.astype("int32")

    labelled = Labelled(streams.reshape(-1), batch_size=ROWS, length=LENGTH, num_steps=CHUNKS)
    with pytest.raises(ValueError, match=r"bool \(batch,\); got int32"):
        model.fit(labelled, verbose=0)
    model.carry_states(ROWS)
    with pytest.raises(ValueError, match="every batch must have 3 rows"):
        model.train_step((streams[:2], np.zeros(2, bool)))
    conditional = SEQUENCE_VARIANTS["wavenet_classes"]()
    with pytest.raises(ValueError, match="is conditional: it is trained on whole sequences"):
        conditional.carry_states(ROWS)
