"""The one place that talks to TensorFlow Datasets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds


def prepare_data(
    name: str, data_dir: str | os.PathLike[str] | None = None
) -> tfds.core.DatasetBuilder:
    """Make sure that a data set is on disk, downloading it if it is not.

    Args:
        name: Name in TensorFlow Datasets.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Raises:
        RuntimeError: If the data set is not prepared and cannot be downloaded.
    """
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
    return builder


def open_split(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    """Open a split as a stream of single examples, dictionaries, in a fixed order.

    Args:
        builder: What ``prepare_data`` returned.
        split: A split as TensorFlow Datasets names it, or a slice of one.
    """
    import tensorflow_datasets as tfds

    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        # TFDS would otherwise keep small data sets whole in memory.
        read_config=tfds.ReadConfig(try_autocache=False),
    )
