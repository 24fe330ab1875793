"""Splits of public image data sets as streams."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keras_ar.data.catalog import ImageDataset, find_record
from keras_ar.data.splits import check_limit
from keras_ar.data.tfds_split import open_split, prepare_data

if TYPE_CHECKING:
    import tensorflow as tf


def open_image_split(
    name: str,
    split: str,
    *,
    labels: bool = False,
    limit: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> tf.data.Dataset:
    """Open a split as a stream of single images in a fixed order.

    Args:
        name: One of ``DATASETS`` that holds images.
        split: A split of the data set, or a slice of one.
        labels: Yield ``(image, label)`` instead of ``image``.
        limit: Keep only the first so many images.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Shapes:
        Image: the data set's ``image_shape``, uint8.
        Label: scalar, int32.

    Raises:
        ValueError: If the name or the split is unknown, the set holds no images, ``limit`` is
            not positive, or labels are asked of a data set without them.
        RuntimeError: If the data set is not prepared and cannot be downloaded.
    """
    info = find_record(name, ImageDataset)
    if labels and info.num_classes is None:
        raise ValueError(f"The data set {name!r} has no labels.")
    check_limit(limit)

    import tensorflow as tf

    dataset = open_split(prepare_data(name, data_dir), split)
    if limit is not None:
        dataset = dataset.take(limit)

    def select(example: dict[str, tf.Tensor]) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        image = tf.ensure_shape(example["image"], info.image_shape)
        return (image, tf.cast(example["label"], tf.int32)) if labels else image

    return dataset.map(select, num_parallel_calls=tf.data.AUTOTUNE)
