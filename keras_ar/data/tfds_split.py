"""The one place that talks to TensorFlow Datasets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keras_ar.data.catalog import dataset_info

if TYPE_CHECKING:
    import tensorflow as tf


def open_split(
    name: str,
    split: str,
    *,
    labels: bool = False,
    limit: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> tf.data.Dataset:
    """Open a split as a stream of single images in a fixed order.

    Args:
        name: One of ``DATASETS``.
        split: A split of the data set, or a slice of one.
        labels: Yield ``(image, label)`` instead of ``image``.
        limit: Keep only the first so many images.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Shapes:
        Image: the data set's ``image_shape``, uint8.
        Label: scalar, int32.

    Raises:
        ValueError: If the name or the split is unknown, ``limit`` is not positive, or
            labels are asked of a data set without them.
        RuntimeError: If the data set is not prepared and cannot be downloaded.
    """
    info = dataset_info(name)
    if labels and info.num_classes is None:
        raise ValueError(f"The data set {name!r} has no labels.")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1; received {limit}.")

    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    try:
        builder.download_and_prepare()
    except Exception as error:
        raise RuntimeError(
            f"The data set {name!r} is not prepared in {builder.data_dir} and downloading it "
            f"failed ({type(error).__name__}): run `tfds build {name}` where its source can be "
            "reached, copy the prepared folder here, and name the folder that holds it as data_dir."
        ) from error
    dataset = builder.as_dataset(
        split=split,
        shuffle_files=False,
        # TFDS would otherwise keep small data sets whole in memory.
        read_config=tfds.ReadConfig(try_autocache=False),
    )
    if limit is not None:
        dataset = dataset.take(limit)

    def select(example: dict[str, tf.Tensor]) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        image = tf.ensure_shape(example["image"], info.image_shape)
        return (image, tf.cast(example["label"], tf.int32)) if labels else image

    return dataset.map(select, num_parallel_calls=tf.data.AUTOTUNE)
