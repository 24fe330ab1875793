import keras
import numpy as np
import pytest

from keras_ar.data import ShuffledBatches


def numbered_images(count: int = 10) -> np.ndarray:
    """Images whose pixels tell which image and which column they are."""
    columns = np.arange(4, dtype=np.uint8)
    return (16 * np.arange(count, dtype=np.uint8))[:, None, None, None] + np.tile(
        columns[None, None, :, None], (count, 4, 1, 1)
    )


def test_a_resumed_run_sees_the_batches_it_would_have_seen():
    images = numbered_images()
    whole = ShuffledBatches(images, batch_size=3, seed=1, num_steps=20, flip=True)
    rest = ShuffledBatches(images, batch_size=3, seed=1, start_step=7, num_steps=13, flip=True)
    for index in range(13):
        np.testing.assert_array_equal(rest[index][0], whole[7 + index][0])


def test_a_batch_does_not_depend_on_which_batches_were_read_before():
    images = numbered_images()
    forward = ShuffledBatches(images, batch_size=3, seed=1, num_steps=9)
    backward = ShuffledBatches(images, batch_size=3, seed=1, num_steps=9)
    expected = [forward[index][0] for index in range(9)]
    for index in reversed(range(9)):
        np.testing.assert_array_equal(backward[index][0], expected[index])


def test_the_batches_follow_the_documented_generators():
    images = numbered_images()
    batches = ShuffledBatches(images, batch_size=3, seed=5, num_steps=6, flip=True)
    order = np.random.default_rng([5, 1]).permutation(10)[3:6]  # step 4 is the second of epoch 1
    mirrored = np.random.default_rng([5, 1, 4]).random(3) < 0.5
    expected = [
        image[:, ::-1] if turn else image
        for image, turn in zip(images[order], mirrored, strict=True)
    ]
    np.testing.assert_array_equal(batches[4][0], expected)


def test_an_epoch_visits_no_image_twice_and_all_epochs_together_visit_all():
    images = numbered_images()
    batches = ShuffledBatches(images, batch_size=4, seed=0, num_steps=20)
    assert batches.steps_per_epoch == 2
    seen: set[int] = set()
    for epoch in range(10):
        first, second = batches[2 * epoch][0], batches[2 * epoch + 1][0]
        numbers = np.concatenate([first, second])[:, 0, 0, 0]
        assert len(set(numbers)) == 8
        seen.update(numbers.tolist())
    assert len(seen) == 10


def test_two_epochs_and_two_seeds_have_different_orders():
    images = numbered_images()
    batches = ShuffledBatches(images, batch_size=10, seed=0, num_steps=2)
    other = ShuffledBatches(images, batch_size=10, seed=1, num_steps=2)
    assert not np.array_equal(batches[0][0], batches[1][0])
    assert not np.array_equal(batches[0][0], other[0][0])


def test_flip_mirrors_some_images_left_to_right_and_leaves_the_source_alone():
    images = numbered_images()
    before = images.copy()
    batch = ShuffledBatches(images, batch_size=10, seed=0, num_steps=1, flip=True)[0][0]
    columns = batch[:, 0, :, 0] % 16
    mirrored = (columns == [3, 2, 1, 0]).all(axis=1)
    straight = (columns == [0, 1, 2, 3]).all(axis=1)
    assert (mirrored | straight).all()
    assert mirrored.any() and straight.any()
    np.testing.assert_array_equal(images, before)


def test_every_label_stays_with_its_image():
    images = numbered_images()
    labels = np.arange(10)
    batches = ShuffledBatches(images, labels, batch_size=3, seed=0, num_steps=4, flip=True)
    for batch_images, batch_labels in batches:
        np.testing.assert_array_equal(batch_images[:, 0].min(axis=(1, 2)) // 16, batch_labels)
        assert batch_labels.dtype == np.int32


def test_iterating_ends_after_num_steps():
    batches = ShuffledBatches(numbered_images(), batch_size=3, seed=0, start_step=2, num_steps=5)
    assert len(batches) == len(list(batches)) == 5
    with pytest.raises(IndexError, match="Step 5"):
        batches[5]
    with pytest.raises(IndexError, match="Step -1"):
        batches[-1]


@pytest.mark.parametrize("labels", [None, np.arange(10)])
@pytest.mark.tensorflow
def test_keras_fits_on_the_batches_in_the_order_of_the_steps(labels):
    seen = []

    class Recorder(keras.Model):
        def train_step(self, *arguments):
            data = arguments[-1]
            seen.append(keras.ops.convert_to_numpy(data[0]))
            assert len(data) == (1 if labels is None else 2)
            return {"loss": 0.0}

    model = Recorder()
    model.compile(run_eagerly=True)
    batches = ShuffledBatches(numbered_images(), labels, batch_size=3, seed=0, num_steps=4)
    model.fit(batches, shuffle=False, verbose=0)
    np.testing.assert_array_equal(seen, [batch[0] for batch in batches])
    assert seen[0].dtype == np.uint8


def test_integer_codes_of_any_rank_are_accepted():
    codes = np.arange(12, dtype=np.int32).reshape(6, 2)
    batch = ShuffledBatches(codes, batch_size=6, seed=0, num_steps=1)[0][0]
    np.testing.assert_array_equal(np.sort(batch, axis=0), codes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((4, 2, 2, 1), np.float32)}, "must be integers"),
        ({"images": np.zeros(4, np.uint8)}, "must be integers"),
        ({"batch_size": 5}, "between 1 and the number of images, 4; received 5"),
        ({"batch_size": 0}, "between 1 and"),
        ({"seed": -1}, "received -1, 0 and 1"),
        ({"start_step": -1}, "received 0, -1 and 1"),
        ({"num_steps": 0}, "received 0, 0 and 0"),
        ({"labels": np.zeros(3, np.int32)}, "one label per image; received 4 images"),
        ({"images": np.zeros((4, 2), np.uint8), "flip": True}, "flip=True"),
        ({"labels": np.zeros((4, 2, 2, 1)), "flip": True}, "spatial conditions"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_reason(arguments, message):
    right = {
        "images": np.zeros((4, 2, 2, 1), np.uint8),
        "batch_size": 2,
        "seed": 0,
        "num_steps": 1,
    }
    with pytest.raises(ValueError, match=message):
        ShuffledBatches(**(right | arguments))
