"""Images from anywhere as a tf.data pipeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_ar.data.arrays import check_images, check_labels
from keras_ar.data.catalog import DATASETS, ImageDataset, find_record, nearest_datasets
from keras_ar.data.folder import find_image_files, read_image
from keras_ar.data.image_split import open_image_split
from keras_ar.data.splits import check_limit

if TYPE_CHECKING:
    import tensorflow as tf

# Streams cannot be permuted as a whole. TFDS files are already shuffled, so this only has to
# change which images meet in a batch; at 64 x 64 x 3 it takes 120 MB.
_STREAM_SHUFFLE_BUFFER = 10_000


def image_dataset(
    source: str | os.PathLike[str] | np.ndarray | tuple[np.ndarray, np.ndarray],
    *,
    batch_size: int,
    shuffle: bool = False,
    seed: int | None = None,
    labels: bool = False,
    repeat: bool = False,
    drop_remainder: bool = False,
    limit: int | None = None,
    split: str = "train",
    data_dir: str | os.PathLike[str] | None = None,
    image_shape: tuple[int, int, int] | None = None,
    resize: bool = False,
) -> tf.data.Dataset:
    """Turn a data set, a folder or an array into batches of integer images.

    Every pass over the result visits each image once, in a new order if ``shuffle``.
    Data sets and folders are streamed: they need not fit into memory.

    Args:
        source: A name of ``DATASETS`` that holds images, a folder of PNG and JPEG files (a
            ``Path`` where its name is that of a data set), an array of images, or
            ``(images, labels)``.
        batch_size: Images per batch.
        shuffle: Visit the images in random order, a new one for every pass. Arrays and
            folders are permuted as a whole, data sets within a moving window.
        seed: Makes the orders reproducible.
        labels: Yield ``(images, labels)`` from a data set; a pair always does.
        repeat: Start again after the last batch, without end.
        drop_remainder: Leave out the last batch where it is not full.
        limit: Use only the first so many images.
        split: Split of a data set, or a slice of one such as ``"train[:55000]"``.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.
        image_shape: ``(height, width, channels)`` the images must have. Decides between
            grey and colour for a folder.
        resize: Scale and crop the files of a folder to ``image_shape``.

    Shapes:
        Images: ``(batch, height, width, channels)``, uint8.
        Labels: ``(batch, ...)``; class ids are int32.

    Raises:
        ValueError: If the source is unknown, empty, not images or of the wrong type or shape,
            has no labels where they are asked for, or a file of a folder does not fit.
        RuntimeError: If a data set is not prepared and cannot be downloaded.
    """
    import tensorflow as tf

    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; received {batch_size}.")
    check_limit(limit)

    if isinstance(source, str) and not Path(source).is_dir() and source not in DATASETS:
        nearest = nearest_datasets(source)
        raise ValueError(f"{source!r} is neither a folder nor a data set such as {nearest}.")

    if isinstance(source, str) and source in DATASETS:
        _check_stored_shape(find_record(source, ImageDataset).image_shape, image_shape, resize)
        dataset = open_image_split(source, split, labels=labels, limit=limit, data_dir=data_dir)
        if shuffle:
            dataset = dataset.shuffle(_STREAM_SHUFFLE_BUFFER, seed=seed)
    elif isinstance(source, str | os.PathLike):
        if labels:
            raise ValueError(f"A folder has no labels; received labels=True with {source}.")
        files, shape = find_image_files(source, image_shape, resize)
        dataset = _read_files(_permuted(files[:limit], shuffle, seed), shape)
    else:
        arrays = _check_arrays(source, labels)
        _check_stored_shape(arrays[0].shape[1:], image_shape, resize)
        # Indices are shuffled, not images: a shuffle buffer would hold them all again.
        indices = np.arange(len(arrays[0]))[:limit]
        dataset = _gather_rows(_permuted(indices, shuffle, seed), arrays)

    if drop_remainder and 0 <= dataset.cardinality() < batch_size:
        raise ValueError(
            f"{int(dataset.cardinality())} images do not fill one batch of {batch_size}, and "
            "drop_remainder=True leaves out the rest."
        )
    dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    if repeat:
        dataset = dataset.repeat()
    return dataset.prefetch(tf.data.AUTOTUNE)


def _permuted(items: list[str] | np.ndarray, shuffle: bool, seed: int | None) -> tf.data.Dataset:
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(items)
    return dataset.shuffle(len(items), seed=seed) if shuffle else dataset


def _read_files(files: tf.data.Dataset, shape: tuple[int, int, int]) -> tf.data.Dataset:
    import tensorflow as tf

    def read(file: tf.Tensor) -> tf.Tensor:
        image = tf.numpy_function(
            lambda path: read_image(os.fsdecode(path), shape), [file], "uint8"
        )
        return tf.ensure_shape(image, shape)

    return files.map(read, num_parallel_calls=tf.data.AUTOTUNE)


def _gather_rows(indices: tf.data.Dataset, arrays: Sequence[np.ndarray]) -> tf.data.Dataset:
    import tensorflow as tf

    with tf.device("CPU"):
        tensors = tuple(tf.constant(array) for array in arrays)

    def gather(index: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        values = tuple(tensor[index] for tensor in tensors)
        return values if len(values) > 1 else values[0]

    return indices.map(gather, num_parallel_calls=tf.data.AUTOTUNE)


def _check_arrays(
    source: np.ndarray | tuple[np.ndarray, np.ndarray], labels: bool
) -> tuple[np.ndarray, ...]:
    if not isinstance(source, tuple):
        if labels:
            raise ValueError("labels=True with an array needs a pair (images, labels).")
        return (check_images(source),)
    if len(source) != 2:
        raise ValueError(f"Expected a pair (images, labels); received {len(source)} elements.")
    images = check_images(source[0])
    return images, check_labels(source[1], len(images))


def _check_stored_shape(
    stored: tuple[int, ...], image_shape: tuple[int, int, int] | None, resize: bool
) -> None:
    if resize:
        raise ValueError("resize=True is for folders of image files only.")
    if image_shape is not None and tuple(image_shape) != tuple(stored):
        raise ValueError(f"The images have shape {tuple(stored)}, not {tuple(image_shape)}.")
