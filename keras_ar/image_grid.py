"""Integer images on a sheet to look at, and image files back into integers."""

import math
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image

from keras_ar.models.inputs import storage_dtype

__all__ = [
    "from_eight_bits",
    "hide_unknown",
    "image_grid",
    "read_images",
    "save_grid",
    "to_eight_bits",
]

_MODES = {1: "L", 3: "RGB"}
_GREY = 128
_COMFORTABLE_SIDE = 96


def to_eight_bits(images: np.ndarray, levels: int) -> np.ndarray:
    """Spread intensities ``0..levels-1`` over 0..255, so that binary images are black and white.

    Args:
        images: Integers ``0..levels-1`` of any shape.
        levels: Number of intensity values, at least 2.

    Raises:
        ValueError: If a value lies outside.

    Example:
        >>> to_eight_bits(np.array([0, 1]), levels=2)
        array([  0, 255], dtype=uint8)
    """
    images = np.asarray(images)
    if images.size and (images.min() < 0 or images.max() >= levels):
        raise ValueError(
            f"images must lie in 0..{levels - 1}; got {images.min()} to {images.max()}."
        )
    return np.round(images * (255.0 / (levels - 1))).astype(np.uint8)


def from_eight_bits(values: np.ndarray, levels: int) -> np.ndarray:
    """Turn 0..255 into the nearest intensities ``0..levels-1``, the opposite of ``to_eight_bits``.

    Args:
        values: Integers 0..255 of any shape.
        levels: Number of intensity values, at least 2.

    Returns:
        The smallest unsigned integers that fit, in the shape of ``values``.

    Example:
        >>> from_eight_bits(np.array([0, 100, 255]), levels=2)
        array([0, 0, 1], dtype=uint8)
    """
    return np.round(values * ((levels - 1) / 255.0)).astype(storage_dtype(levels))


def hide_unknown(images: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Paint grey what a model is not given.

    Args:
        images: Integers 0..255, ``(batch, height, width, channels)``.
        known: bool ``(height, width)`` or ``(batch, height, width)``, true where given.

    Returns:
        The images, changed where not known.
    """
    return np.where(known[..., None], images, _GREY)


def image_grid(
    images: np.ndarray, levels: int, columns: int | None = None, scale: int | None = None
) -> PIL.Image.Image:
    """Lay images out on one sheet, row by row, with grey gaps.

    Pixels are repeated, not smoothed: what is seen is what the model drew.

    Args:
        images: Integers ``0..levels-1``.
        levels: Number of intensity values.
        columns: Images side by side; by default the sheet is nearly square.
        scale: Side of a pixel on the sheet; by default small images become about 100 wide.

    Shapes:
        images: ``(batch, height, width, channels)`` with 1 or 3 channels.

    Raises:
        ValueError: If there is no image, the shape cannot be shown, or a value is illegal.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in _MODES or not images.size:
        raise ValueError(
            "A sheet shows images of shape (batch, height, width, 1 or 3), at least one; "
            f"got {images.shape}."
        )
    count, height, width, channels = images.shape
    columns = min(count, math.ceil(math.sqrt(count))) if columns is None else columns
    scale = max(1, math.ceil(_COMFORTABLE_SIDE / max(height, width))) if scale is None else scale
    if columns < 1 or scale < 1:
        raise ValueError(f"columns and scale must be at least 1; got {columns} and {scale}.")
    rows = math.ceil(count / columns)
    # One pixel of gap on every side of an image; enlarged together with the images.
    cells = np.full((rows * columns, height + 1, width + 1, channels), _GREY, np.uint8)
    cells[:count, 1:, 1:] = to_eight_bits(images, levels)
    cells = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
    sheet = cells.reshape(rows * (height + 1), columns * (width + 1), channels)
    sheet = np.pad(sheet, ((0, 1), (0, 1), (0, 0)), constant_values=_GREY)
    sheet = sheet.repeat(scale, axis=0).repeat(scale, axis=1)
    return PIL.Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def save_grid(
    path: str | os.PathLike,
    images: np.ndarray,
    levels: int,
    columns: int | None = None,
    scale: int | None = None,
) -> pathlib.Path:
    """Write the sheet of ``image_grid`` to an image file.

    Args:
        path: Where to; the suffix decides the format, and PNG keeps every value.
        images: See ``image_grid``; the other arguments likewise.
        levels: See ``image_grid``.
        columns: See ``image_grid``.
        scale: See ``image_grid``.

    Returns:
        The path.

    Raises:
        ValueError: If the sheet cannot be made, or the suffix names no image format.
        OSError: If the file cannot be written.
    """
    path = pathlib.Path(path)
    image_grid(images, levels, columns, scale).save(path)
    return path


def read_images(
    paths: str | os.PathLike | Sequence[str | os.PathLike],
    image_shape: tuple[int, int, int],
    levels: int,
) -> np.ndarray:
    """Read image files of exactly the model's size as integers ``0..levels-1``.

    Black becomes 0 and white ``levels - 1``, the opposite of ``to_eight_bits``. Colour is turned
    into grey, or grey repeated, as the model wants; transparency is dropped.

    Args:
        paths: One file, or several.
        image_shape: ``(height, width, channels)`` with 1 or 3 channels.
        levels: Number of intensity values.

    Shapes:
        ``(num_files, height, width, channels)``, the smallest unsigned integers that fit.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is no 8-bit image or has another size.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    images = [_read_eight_bits(pathlib.Path(path), image_shape) for path in paths]
    return from_eight_bits(np.stack(images), levels)


def _read_eight_bits(path: pathlib.Path, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    if channels not in _MODES:
        raise ValueError(f"Image files have 1 or 3 channels; the model has {channels}.")
    try:
        with PIL.Image.open(path) as file:
            # Pillow would clip 16-bit values to 255 without a word.
            if file.mode.startswith(("I", "F")):
                raise ValueError(f"{path} is not an 8-bit image (its mode is {file.mode}).")
            if file.size != (width, height):
                raise ValueError(
                    f"{path} is {file.size[0]} wide and {file.size[1]} high; the model wants "
                    f"images {width} wide and {height} high."
                )
            return np.asarray(file.convert(_MODES[channels])).reshape(image_shape)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no image file {path}.") from None
    # Pillow reports some kinds of damage to a PNG as a syntax error.
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}.") from None
