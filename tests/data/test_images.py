import dataclasses

import numpy as np
import pytest

from keras_ar.data import DATASETS, ImageDataset, dataset_info, image_dataset, load_images

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")

IMAGE_SETS = [name for name, record in DATASETS.items() if isinstance(record, ImageDataset)]


@pytest.fixture
def five_images():
    """Five images in place of every TFDS data set; yields what TFDS was asked for."""
    asked = {}

    def as_dataset(builder, split, decoders=None, read_config=None, shuffle_files=False):
        asked.update(split=str(split), autocache=read_config.try_autocache, shuffle=shuffle_files)
        shape = DATASETS[builder.info.full_name.rsplit("/", 1)[0]].image_shape
        numbers = tf.range(5, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices(numbers).map(
            lambda number: {"image": tf.fill(shape, tf.cast(number, tf.uint8)), "label": 9 - number}
        )

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        yield asked


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_a_split_comes_whole_in_its_recorded_shape_and_order(five_images, name):
    images = load_images(name, "train")
    assert images.shape == (5, *dataset_info(name).image_shape)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, -1, -1, 0], range(5))


def test_every_label_comes_with_its_image(five_images):
    images, labels = load_images("mnist", "test", labels=True)
    np.testing.assert_array_equal(labels, 9 - images[:, 0, 0, 0])
    assert labels.dtype == np.int32


def test_limit_keeps_the_first_images(five_images):
    np.testing.assert_array_equal(load_images("mnist", "test", limit=2)[:, 0, 0, 0], [0, 1])
    assert len(load_images("mnist", "test", limit=99)) == 5
    with pytest.raises(ValueError, match="limit must be at least 1; received 0"):
        load_images("mnist", "test", limit=0)


def test_a_slice_of_a_split_reaches_tfds_unshuffled_and_uncached(five_images):
    load_images("cifar10", "train[:55000]")
    assert five_images == {"split": "train[:55000]", "autocache": False, "shuffle": False}


@pytest.mark.parametrize("name", ["binarized_mnist", "downsampled_imagenet/64x64"])
def test_labels_of_a_set_without_them_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}' has no labels"):
        load_images(name, "train", labels=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("spoken_digit", "holds audio, not images: load it with keras_ar.data.load_audio"),
        ("tiny_shakespeare", "holds text, not images: load it with keras_ar.data.load_text"),
    ],
)
def test_sets_of_another_kind_are_refused_with_what_loads_them(name, message):
    with pytest.raises(ValueError, match=message):
        load_images(name, "train")
    with pytest.raises(ValueError, match=message):
        image_dataset(name, batch_size=2)


def test_an_unknown_name_is_answered_with_the_nearest_ones():
    with pytest.raises(ValueError, match=r"'cifar'. Did you mean 'cifar10'"):
        load_images("cifar", "train")
    with pytest.raises(ValueError, match=r"'binarised_mnist'. Did you mean 'binarized_mnist'"):
        dataset_info("binarised_mnist")
    with pytest.raises(ValueError, match=r"'zzz'. Did you mean 'binarized_mnist' or 'cifar10'"):
        dataset_info("zzz")


def test_a_set_that_cannot_be_downloaded_is_explained_in_one_sentence(five_images, monkeypatch):
    def fail(builder):
        raise ConnectionError("a long story")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(RuntimeError, match=r"'mnist' is not prepared in .*/mnist/") as error:
        load_images("mnist", "train")
    message = str(error.value)
    assert (
        "ConnectionError" in message and "`tfds build mnist`" in message and "data_dir" in message
    )
    assert "long story" not in message and "\n" not in message


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset_info("mnist").levels = 2


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "split", "count"),
    [("cifar10", "test", 10_000), ("mnist", "train[:55000]", 55_000)]
    + [("binarized_mnist", split, 10_000) for split in ("validation", "test")],
)
def test_the_real_data_are_as_recorded(name, split, count):
    info = dataset_info(name)
    if info.num_classes is None:
        images = load_images(name, split)
    else:
        images, labels = load_images(name, split, labels=True)
        np.testing.assert_array_equal(np.unique(labels), range(info.num_classes))
    assert images.shape == (count, *info.image_shape)
    assert images.min() == 0 and images.max() == info.levels - 1
    np.testing.assert_array_equal(load_images(name, split, limit=10), images[:10])
    assert set(tfds.builder(name).info.splits) == set(info.splits)
