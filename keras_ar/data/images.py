"""Whole splits of public image data sets as NumPy arrays."""

import os

import numpy as np

from keras_ar.data.catalog import ImageDataset, find_record
from keras_ar.data.image_split import open_image_split


def load_images(
    name: str,
    split: str,
    *,
    labels: bool = False,
    limit: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Load a whole split into memory, in a fixed order.

    Args:
        name: One of ``DATASETS`` that holds images.
        split: A split of the data set, or a slice of one such as ``"train[:55000]"``.
        labels: Also return the class labels.
        limit: Keep only the first so many images.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Shapes:
        Images: ``(num_images, height, width, channels)``, uint8.
        Labels: ``(num_images,)``, int32.

    Raises:
        ValueError: If the name or the split is unknown, the set holds no images, ``limit`` is
            not positive, or labels are asked of a data set without them.
        RuntimeError: If the data set is not prepared and cannot be downloaded.
    """
    info = find_record(name, ImageDataset)
    examples = open_image_split(name, split, labels=labels, limit=limit, data_dir=data_dir)
    # The count is known before reading, so that a large split is held once, not twice.
    count = int(examples.cardinality())
    images = np.empty((count, *info.image_shape), np.uint8)
    classes = np.empty((count,), np.int32)
    start = 0
    for batch in examples.batch(1024).as_numpy_iterator():
        batch_images, batch_classes = batch if labels else (batch, None)
        stop = start + len(batch_images)
        images[start:stop] = batch_images
        if labels:
            classes[start:stop] = batch_classes
        start = stop
    return (images, classes) if labels else images
