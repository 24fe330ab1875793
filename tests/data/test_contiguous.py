"""Batches that go on where the one before ended."""

import keras
import numpy as np
import pytest

from keras_ar.data import ContiguousBatches


@pytest.mark.parametrize(("count", "batch_size", "length"), [(103, 4, 5), (100, 4, 5), (20, 1, 3)])
def test_every_chunk_continues_its_stream_within_an_epoch(count, batch_size, length):
    batches = ContiguousBatches(
        np.arange(count), batch_size=batch_size, length=length, num_steps=15
    )
    before = None
    for step, (chunks, continues) in enumerate(batches):
        assert chunks.shape == (batch_size, length)
        assert (np.diff(chunks) == 1).all()
        assert continues.dtype == bool and continues.shape == (batch_size,)
        assert (continues == (step % batches.steps_per_epoch > 0)).all()
        if continues.all():
            np.testing.assert_array_equal(chunks[:, 0], before[:, -1] + 1)
        before = chunks


@pytest.mark.parametrize("count", [100, 103, 119])
def test_an_epoch_visits_every_value_but_the_last_few_once(count):
    batches = ContiguousBatches(np.arange(count), batch_size=4, length=5, num_steps=10)
    assert batches.steps_per_epoch == 5
    for epoch in (0, 1):
        chunks = [batches[5 * epoch + step][0] for step in range(5)]
        streams = np.concatenate(chunks, axis=1)
        np.testing.assert_array_equal(streams.reshape(-1), np.arange(100))


def test_a_resumed_run_sees_the_batches_it_would_have_seen():
    codes = np.random.default_rng(0).integers(0, 65, 300)
    whole = ContiguousBatches(codes, batch_size=3, length=7, num_steps=40)
    rest = ContiguousBatches(codes, batch_size=3, length=7, start_step=17, num_steps=23)
    for index in range(23):
        for one, other in zip(rest[index], whole[17 + index], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_text_with_a_batch_axis_is_the_same_sequence():
    codes = np.arange(60, dtype=np.int32)
    one = ContiguousBatches(codes, batch_size=3, length=7, num_steps=2)[1][0]
    other = ContiguousBatches(codes[None], batch_size=3, length=7, num_steps=2)[1][0]
    np.testing.assert_array_equal(one, other)
    assert one.dtype == np.int32


def test_changing_a_batch_leaves_the_sequence_alone():
    codes = np.arange(60)
    batches = ContiguousBatches(codes, batch_size=3, length=7, num_steps=1)
    batches[0][0][:] = -5
    np.testing.assert_array_equal(codes, np.arange(60))
    assert batches[0][0].min() == 0


def test_iterating_ends_after_num_steps():
    batches = ContiguousBatches(np.arange(60), batch_size=3, length=7, start_step=1, num_steps=5)
    assert len(batches) == len(list(batches)) == 5
    for index in (5, -1):
        with pytest.raises(IndexError, match=f"Step {index}"):
            batches[index]


@pytest.mark.tensorflow
def test_keras_fits_on_the_batches_in_the_order_of_the_steps():
    seen = []

    class Recorder(keras.Model):
        def train_step(self, *arguments):
            chunks, continues = map(keras.ops.convert_to_numpy, arguments[-1])
            seen.append((chunks, continues))
            return {"loss": 0.0}

    model = Recorder()
    model.compile(run_eagerly=True)
    batches = ContiguousBatches(np.arange(60), batch_size=3, length=7, num_steps=4)
    model.fit(batches, shuffle=False, verbose=0)
    for found, expected in zip(seen, batches, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codes": np.zeros(60)}, "must be integers .* received float64"),
        ({"codes": np.zeros((2, 30), int)}, r"shape \(2, 30\)"),
        ({"codes": np.array(3)}, r"shape \(\)"),
        ({"codes": np.array([3, -1] * 30)}, "not be negative; received -1"),
        ({"codes": np.zeros(20, int)}, "20 values is too short for 3 chunks of 7"),
        ({"codes": np.zeros(0, int)}, "0 values is too short"),
        ({"batch_size": 0}, "received 0, 7, 1 and 0"),
        ({"length": 0}, "received 3, 0, 1 and 0"),
        ({"num_steps": 0}, "received 3, 7, 0 and 0"),
        ({"start_step": -1}, "received 3, 7, 1 and -1"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_reason(arguments, message):
    right = {"codes": np.arange(60), "batch_size": 3, "length": 7, "num_steps": 1}
    with pytest.raises(ValueError, match=message):
        ContiguousBatches(**(right | arguments))
