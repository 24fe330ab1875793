"""A folder of the user's own image files as integer images."""

import os
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_GREY_MODES = {"1", "L", "LA"}
_PIL_MODES = {1: "L", 3: "RGB"}


def load_folder(
    path: str | os.PathLike[str],
    image_shape: tuple[int, int, int] | None = None,
    resize: bool = False,
) -> np.ndarray:
    """Load every PNG and JPEG file of a folder, in the order of their names.

    Subfolders and hidden files are left out. Transparency is dropped.

    Args:
        path: The folder.
        image_shape: ``(height, width, channels)``; 1 channel turns colour into grey, 3
            channels repeat grey. ``None`` means that all files agree on one shape.
        resize: Scale every image until it covers ``image_shape`` and cut out its centre,
            instead of refusing images of another size.

    Shapes:
        ``(num_files, height, width, channels)``, uint8.

    Raises:
        ValueError: If the folder has no images, or a file has the wrong size, is not an
            8-bit image, or cannot be read; the message names it.
    """
    files, shape = find_image_files(path, image_shape, resize)
    images = np.empty((len(files), *shape), np.uint8)
    for index, file in enumerate(files):
        images[index] = read_image(file, shape)
    return images


def find_image_files(
    path: str | os.PathLike[str],
    image_shape: tuple[int, int, int] | None = None,
    resize: bool = False,
) -> tuple[list[str], tuple[int, int, int]]:
    """List a folder's image files and the shape they are to be read with.

    Only the headers are read, so that a file that does not fit is reported at once
    rather than in the middle of an epoch.

    Args:
        path: The folder.
        image_shape: As in ``load_folder``.
        resize: As in ``load_folder``.

    Raises:
        ValueError: As in ``load_folder``, but for damage beyond the header.
    """
    if image_shape is not None and (len(image_shape) != 3 or image_shape[2] not in _PIL_MODES):
        raise ValueError(
            "image_shape must be (height, width, channels) with 1 or 3 channels; "
            f"received {image_shape}."
        )
    if resize and image_shape is None:
        raise ValueError("resize=True needs an image_shape to resize to.")
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES and not file.name.startswith(".")
    )
    if not files:
        raise ValueError(f"The folder {folder} has no .png, .jpg or .jpeg files.")

    shape = tuple(image_shape) if image_shape is not None else _header_shape(files[0])
    for file in files:
        found = _header_shape(file)
        if image_shape is None and found != shape:
            raise ValueError(
                f"{file} has shape {found} where {files[0]} has {shape}: give an image_shape."
            )
        if not resize and found[:2] != shape[:2]:
            raise ValueError(
                f"{file} is {found[0]} x {found[1]} (height x width), not {shape[0]} x "
                f"{shape[1]}: give resize=True to scale and crop it."
            )
    return [str(file) for file in files], shape


def read_image(path: str | os.PathLike[str], image_shape: tuple[int, int, int]) -> np.ndarray:
    """Read one image file in the given shape, scaled and cropped if it has another size.

    Args:
        path: The file.
        image_shape: ``(height, width, channels)`` with 1 or 3 channels.

    Shapes:
        ``image_shape``, uint8.

    Raises:
        ValueError: If the file cannot be read.
    """
    height, width, channels = image_shape
    try:
        with PIL.Image.open(path) as file:
            image = file.convert(_PIL_MODES[channels])
    # Pillow reports some kinds of damage to a PNG as a syntax error.
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if image.size != (width, height):
        image = PIL.ImageOps.fit(image, (width, height), PIL.Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(image_shape)


def _header_shape(path: Path) -> tuple[int, int, int]:
    try:
        with PIL.Image.open(path) as image:
            mode, (width, height) = image.mode, image.size
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if mode.startswith(("I", "F")):
        # Pillow would clip 16-bit values to 255 without a word.
        raise ValueError(f"{path} is not an 8-bit image (its mode is {mode}).")
    return height, width, 1 if mode in _GREY_MODES else 3
