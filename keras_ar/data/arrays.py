"""Checks shared by everything that takes images or labels as NumPy arrays."""

import numpy as np


def check_images(images: np.ndarray) -> np.ndarray:
    """Insist on the one form in which images enter the library.

    Floats are refused rather than rounded: whether they are 0..1, -1..1 or 0..255
    cannot be told from the values.

    Args:
        images: Candidate array.

    Shapes:
        ``(batch, height, width, channels)``, uint8, not empty.

    Raises:
        ValueError: If the type, the rank or the number of images is wrong.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            "Images must be uint8 of shape (batch, height, width, channels); "
            f"received {images.dtype} of shape {images.shape}."
        )
    if not len(images):
        raise ValueError("There must be at least one image; received none.")
    return images


def check_labels(labels: np.ndarray, number: int, example: str = "image") -> np.ndarray:
    """Insist on one label (a class id, or a conditioning array) per example.

    Args:
        labels: Candidate array.
        number: Number of examples the labels belong to.
        example: What one of them is called in the message.

    Returns:
        The labels, integers as int32 and everything else as it is.

    Raises:
        ValueError: If the lengths differ.
    """
    labels = np.asarray(labels)
    if not labels.ndim or len(labels) != number:
        raise ValueError(
            f"There must be one label per {example}; received {number} {example}s and labels "
            f"of shape {labels.shape}."
        )
    return labels.astype(np.int32) if np.issubdtype(labels.dtype, np.integer) else labels
