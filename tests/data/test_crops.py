"""Random crops of recordings of different lengths."""

import keras
import numpy as np
import pytest

from keras_ar.data import PADDING, RandomCrops, pad_sequences

LENGTHS = (30, 12, 47, 5, 20)


@pytest.fixture
def codes() -> np.ndarray:
    """Recordings whose values tell which recording and which place they are of."""
    return pad_sequences([1000 * n + np.arange(length) for n, length in enumerate(LENGTHS)])


@pytest.fixture
def features() -> np.ndarray:
    """Five values a frame; frames tell their recording and place, behind its end too."""
    number, frame = np.meshgrid(np.arange(5), np.arange(11), indexing="ij")
    return np.stack([number + 1.0, frame + 1.0], axis=-1)


def recordings_and_starts(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say where crops were cut, and check that they are consecutive values and padding."""
    number, starts = np.divmod(crops[:, 0].astype(int), 1000)
    for crop, n, start in zip(crops, number, starts, strict=True):
        count = min(crops.shape[1], LENGTHS[n] - start)
        np.testing.assert_array_equal(crop[:count], 1000 * n + start + np.arange(count))
        assert (crop[count:] == PADDING).all()
    return number, starts


def test_a_resumed_run_sees_the_crops_it_would_have_seen(codes):
    given = {"labels": np.arange(5), "length": 8, "batch_size": 3, "seed": 1}
    whole = RandomCrops(codes, **given, num_steps=20)
    rest = RandomCrops(codes, **given, start_step=7, num_steps=13)
    for index in range(13):
        for one, other in zip(rest[index], whole[7 + index], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_batch_does_not_depend_on_which_batches_were_read_before(codes):
    forward = RandomCrops(codes, length=8, batch_size=3, seed=1, num_steps=9)
    backward = RandomCrops(codes, length=8, batch_size=3, seed=1, num_steps=9)
    expected = [forward[index][0] for index in range(9)]
    for index in reversed(range(9)):
        np.testing.assert_array_equal(backward[index][0], expected[index])


def test_the_crops_follow_the_documented_generators(codes):
    batch = RandomCrops(codes, length=8, batch_size=4, seed=3, num_steps=3)[1][0]
    # Step 1 visits the places 4 to 7: the last of epoch 0 and the first three of epoch 1.
    orders = [np.random.default_rng([3, 1, epoch]).permutation(5) for epoch in range(2)]
    rows = np.concatenate(orders)[4:8]
    last = np.maximum(np.array(LENGTHS)[rows] - 8, 0)
    starts = np.random.default_rng([3, 2, 1]).integers(last + 1)
    found = recordings_and_starts(batch)
    np.testing.assert_array_equal(found, [rows, starts])


@pytest.mark.parametrize("batch_size", [1, 2, 5, 7, 13])
def test_every_epoch_visits_every_recording_once(codes, batch_size):
    crops = RandomCrops(codes, length=8, batch_size=batch_size, seed=0, num_steps=40)
    visited = np.concatenate([recordings_and_starts(batch)[0] for (batch,) in crops])
    whole = visited[: len(visited) // 5 * 5].reshape(-1, 5)
    np.testing.assert_array_equal(np.sort(whole), np.tile(np.arange(5), (len(whole), 1)))
    assert batch_size == 13 or len(np.unique(whole, axis=0)) > 1
    first = np.concatenate([crops[step][0] for step in range(crops.steps_per_epoch)])
    assert set(recordings_and_starts(first)[0]) == set(range(5))


def test_starts_are_uniform_over_all_that_fit(codes):
    crops = RandomCrops(codes, length=8, batch_size=5, seed=0, num_steps=4000)
    number, starts = recordings_and_starts(np.concatenate([batch for (batch,) in crops]))
    for n, length in enumerate(LENGTHS):
        possible = max(length - 8, 0) + 1
        counts = np.bincount(starts[number == n])
        assert len(counts) == possible
        expected = 4000 / possible
        # Mean and standard deviation of chi-square, five deviations away.
        excess = np.sum((counts - expected) ** 2) / expected - (possible - 1)
        assert abs(excess) <= 5 * np.sqrt(2 * (possible - 1))


def test_a_recording_shorter_than_the_crop_is_taken_whole(codes):
    for (batch,) in RandomCrops(codes, length=60, batch_size=5, seed=0, num_steps=3):
        assert batch.shape == (5, 60)
        assert (recordings_and_starts(batch)[1] == 0).all()
        assert sorted((batch != PADDING).sum(axis=1)) == sorted(LENGTHS)


def test_every_label_stays_with_its_recording(codes):
    labels = np.stack([np.arange(5) + 10, np.arange(5) % 2], axis=1)
    for batch, condition in RandomCrops(codes, labels, length=8, batch_size=3, seed=0, num_steps=9):
        np.testing.assert_array_equal(condition, labels[recordings_and_starts(batch)[0]])
        assert condition.dtype == np.int32


def test_the_frames_of_a_crop_are_those_of_its_values(codes, features):
    given = {"length": 15, "hop": 5, "batch_size": 5, "seed": 0, "num_steps": 200}
    last = [0] * 5
    for batch, frames in RandomCrops(codes, features=features, **given):
        assert frames.shape == (5, 3, 2) and frames.dtype == np.float32
        for n, start, some in zip(*recordings_and_starts(batch), frames, strict=True):
            assert start % 5 == 0
            first = start // 5
            count = min(3, -(-LENGTHS[n] // 5) - first)
            np.testing.assert_array_equal(some[:count], features[n, first : first + count])
            assert (some[count:] == 0).all()
            last[n] = max(last[n], min(start + 15, LENGTHS[n]))
    # The values behind the last whole frame are reached too.
    assert last == list(LENGTHS)


def test_labels_and_features_come_as_a_pair(codes, features):
    given = {"length": 15, "hop": 5, "batch_size": 3, "seed": 0, "num_steps": 4}
    both = RandomCrops(codes, np.arange(5), features, **given)
    alone = RandomCrops(codes, features=features, **given)
    for (batch, (labels, frames)), (same, expected) in zip(both, alone, strict=True):
        np.testing.assert_array_equal(batch, same)
        np.testing.assert_array_equal(frames, expected)
        np.testing.assert_array_equal(labels, recordings_and_starts(batch)[0])


@pytest.mark.parametrize(("given", "drawn"), [("uint8", "int16"), ("int16", "int16")])
def test_crops_have_a_type_that_holds_the_padding(given, drawn):
    (batch,) = RandomCrops(
        np.full((1, 3), 255 if given == "uint8" else 7, given),
        length=5,
        batch_size=2,
        seed=0,
        num_steps=1,
    )[0]
    assert batch.dtype == drawn
    assert batch[0, 2:].tolist() == [255 if given == "uint8" else 7, -1, -1]


def test_iterating_ends_after_num_steps(codes):
    crops = RandomCrops(codes, length=8, batch_size=3, seed=0, start_step=2, num_steps=5)
    assert len(crops) == len(list(crops)) == 5
    for index in (5, -1):
        with pytest.raises(IndexError, match=f"Step {index}"):
            crops[index]


@pytest.mark.tensorflow
def test_keras_fits_on_crops_with_labels_and_features(codes, features):
    seen = []

    class Recorder(keras.Model):
        def train_step(self, *arguments):
            batch, (labels, frames) = arguments[-1]
            seen.append([keras.ops.convert_to_numpy(x) for x in (batch, labels, frames)])
            return {"loss": 0.0}

    model = Recorder()
    model.compile(run_eagerly=True)
    crops = RandomCrops(
        codes, np.arange(5), features, length=15, hop=5, batch_size=3, seed=0, num_steps=4
    )
    model.fit(crops, shuffle=False, verbose=0)
    assert len(seen) == 4
    for found, (batch, condition) in zip(seen, crops, strict=True):
        for one, other in zip(found, (batch, *condition), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codes": np.zeros((5, 9))}, "must be integers of shape"),
        ({"codes": np.array([[-1, 3]])}, "padding -1 before a code"),
        ({"codes": np.array([[3], [-1]])}, "a value in each"),
        ({"codes": np.zeros((0, 9), int)}, "at least one recording"),
        ({"length": 0}, "received 0, 2 and 1"),
        ({"batch_size": 0}, "received 10, 0 and 1"),
        ({"num_steps": 0}, "received 10, 2 and 0"),
        ({"seed": -1}, "received -1 and 0"),
        ({"start_step": -1}, "received 0 and -1"),
        ({"labels": np.zeros(4, int)}, "one label per recording; received 5 recordings"),
        ({"hop": 5}, "must be given together"),
        ({"features": np.zeros((5, 10, 2))}, "must be given together"),
        ({"features": np.zeros((5, 10, 2)), "hop": 3}, "multiple of hop; received 10 and 3"),
        ({"features": np.zeros((5, 10, 2)), "hop": 0}, "multiple of hop; received 10 and 0"),
        ({"features": np.zeros((4, 10, 2)), "hop": 5}, "for 5 recordings; received float64"),
        ({"features": np.zeros((5, 10, 2), int), "hop": 5}, "received int64"),
        ({"features": np.zeros((5, 9, 2)), "hop": 5}, "47 values, 10 frames of 5; .* 9 frames"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_reason(codes, arguments, message):
    right = {"codes": codes, "length": 10, "batch_size": 2, "seed": 0, "num_steps": 1}
    with pytest.raises(ValueError, match=message):
        RandomCrops(**(right | arguments))
