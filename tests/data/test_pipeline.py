import itertools
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from keras_ar.data import image_dataset

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")


def numbered_images(count: int = 10) -> np.ndarray:
    return np.tile(np.arange(count, dtype=np.uint8)[:, None, None, None], (1, 4, 4, 1))


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(10):
        PIL.Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / f"{number}.png")
    return tmp_path


@pytest.fixture
def ten_images():
    """Ten numbered images in place of every TFDS data set."""

    def as_dataset(builder, split, decoders=None, read_config=None, shuffle_files=False):
        shape = builder.info.features["image"].shape
        return tf.data.Dataset.range(10).map(
            lambda number: {"image": tf.fill(shape, tf.cast(number, tf.uint8)), "label": number}
        )

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        yield


def numbers(dataset) -> list[list[int]]:
    """The numbers of the images, batch by batch."""
    return [batch[:, 0, 0, 0].tolist() for batch in dataset.as_numpy_iterator()]


@pytest.fixture(params=["array", "folder", "data set"])
def source(request, folder, ten_images):
    return {"array": numbered_images(), "folder": folder, "data set": "mnist"}[request.param]


def test_images_come_in_order_as_uint8_and_the_tail_batch_is_kept(source):
    dataset = image_dataset(source, batch_size=4)
    assert numbers(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert dataset.element_spec.dtype == tf.uint8
    assert dataset.element_spec.shape.rank == 4
    assert dataset.element_spec.shape[-1] == 1


def test_drop_remainder_leaves_the_tail_batch_out_and_fixes_the_shape(source):
    dataset = image_dataset(source, batch_size=4, drop_remainder=True)
    assert numbers(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert dataset.element_spec.shape[0] == 4


def test_limit_keeps_the_first_images_also_when_shuffled(source):
    assert numbers(image_dataset(source, batch_size=4, limit=3)) == [[0, 1, 2]]
    (batch,) = numbers(image_dataset(source, batch_size=4, limit=3, shuffle=True, seed=0))
    assert sorted(batch) == [0, 1, 2]


def test_each_shuffled_pass_visits_every_image_once_in_its_own_order(source):
    dataset = image_dataset(source, batch_size=4, shuffle=True, seed=0)
    first, second = (list(itertools.chain(*numbers(dataset))) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert len({tuple(first), tuple(second), tuple(range(10))}) == 3


def test_the_seed_decides_the_orders_of_all_passes(source):
    def passes(seed):
        dataset = image_dataset(source, batch_size=4, shuffle=True, seed=seed)
        return [numbers(dataset) for _ in range(2)]

    assert passes(1) == passes(1)
    assert passes(1) != passes(2)


def test_repeat_starts_again_after_the_tail_batch(source):
    dataset = image_dataset(source, batch_size=4, repeat=True)
    batches = [
        batch[:, 0, 0, 0].tolist() for batch in itertools.islice(dataset.as_numpy_iterator(), 5)
    ]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3], [4, 5, 6, 7]]


def test_less_than_one_batch_with_drop_remainder_is_refused(source):
    with pytest.raises(ValueError, match="10 images do not fill one batch of 11"):
        image_dataset(source, batch_size=11, drop_remainder=True, repeat=True)


def test_an_image_shape_that_the_images_do_not_have_is_refused(source):
    with pytest.raises(ValueError, match="not"):
        image_dataset(source, batch_size=2, image_shape=(5, 5, 1))


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_label_of_a_pair_stays_with_its_image(shuffle):
    pair = (numbered_images(), np.arange(10, dtype=np.int64) + 100)
    for images, labels in image_dataset(pair, batch_size=3, shuffle=shuffle):
        assert labels.dtype == tf.int32
        np.testing.assert_array_equal(labels, images[:, 0, 0, 0].numpy().astype(int) + 100)


def test_conditioning_arrays_keep_their_shape_and_type():
    condition = np.linspace(0, 1, 30, dtype=np.float32).reshape(10, 3)
    _, batch = next(iter(image_dataset((numbered_images(), condition), batch_size=2)))
    np.testing.assert_array_equal(batch, condition[:2])


def test_every_label_of_a_data_set_stays_with_its_image(ten_images):
    for images, labels in image_dataset("cifar10", batch_size=3, labels=True, shuffle=True):
        assert labels.dtype == tf.int32
        np.testing.assert_array_equal(labels, images[:, 0, 0, 0])


def test_a_path_object_is_a_folder_even_where_its_name_is_that_of_a_data_set(folder, monkeypatch):
    (folder / "mnist").mkdir()
    (folder / "3.png").rename(folder / "mnist" / "3.png")
    monkeypatch.chdir(folder)
    assert numbers(image_dataset(Path("mnist"), batch_size=2)) == [[3]]


def test_a_folder_is_read_with_the_channels_of_the_image_shape(folder):
    (batch,) = image_dataset(str(folder), batch_size=10, image_shape=(4, 4, 3))
    assert batch.shape == (10, 4, 4, 3)


def test_a_folder_is_scaled_where_resize_is_given(folder):
    dataset = image_dataset(folder, batch_size=10, image_shape=(2, 2, 1), resize=True)
    assert numbers(dataset) == [list(range(10))]


def test_a_file_of_the_wrong_size_is_named_before_the_first_batch(folder):
    PIL.Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / "odd.png")
    with pytest.raises(ValueError, match=r"odd\.png"):
        image_dataset(folder, batch_size=2)


def test_a_file_damaged_behind_its_header_is_named_when_it_is_reached(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / "cut.png")
    data = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    dataset = image_dataset(folder, batch_size=2, image_shape=(4, 4, 1), resize=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"cut\.png cannot be read"):
        list(dataset)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((4, 2, 2, 1), np.float32), "must be uint8 .* received float32"),
        (np.zeros((4, 2, 2), np.uint8), r"received uint8 of shape \(4, 2, 2\)"),
        (np.zeros((0, 2, 2, 1), np.uint8), "at least one image"),
        ((numbered_images(), np.zeros(9, np.int32)), "one label per image; received 10 images"),
        ((numbered_images(),), "Expected a pair"),
        ("cifar", "'cifar' is neither a folder nor a data set such as 'cifar10'"),
        (Path("/nowhere/at/all"), "is not a folder"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_with_a_reason(source, message):
    with pytest.raises(ValueError, match=message):
        image_dataset(source, batch_size=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; received 0"),
        ({"limit": 0}, "limit must be at least 1; received 0"),
        ({"labels": True}, r"needs a pair \(images, labels\)"),
        ({"resize": True, "image_shape": (4, 4, 1)}, "folders of image files only"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_reason(arguments, message):
    with pytest.raises(ValueError, match=message):
        image_dataset(numbered_images(), **({"batch_size": 2} | arguments))


def test_labels_of_a_folder_are_refused(folder):
    with pytest.raises(ValueError, match="A folder has no labels"):
        image_dataset(folder, batch_size=2, labels=True)


def test_a_source_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="Images must be uint8"):
        image_dataset(17, batch_size=2)
