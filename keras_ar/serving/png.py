"""Encoded images inside the graph: PNG files in, intensities out, and back."""

import struct

import numpy as np
import tensorflow as tf

from keras_ar.image_grid import from_eight_bits, to_eight_bits

__all__ = ["decode_png", "encode_png", "fits_png"]

# The signature, and the header chunk's length and name; width, height and depth follow.
_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
_SIXTEEN_BITS = b"\x10"


def fits_png(event_shape: tuple[int, ...], levels: int) -> bool:
    """Whether an 8-bit PNG file holds an image without loss: grey or RGB, up to 256 levels."""
    return len(event_shape) == 3 and event_shape[-1] in (1, 3) and levels <= 256


def decode_png(files: tf.Tensor, image_shape: tuple[int, int, int], levels: int) -> tf.Tensor:
    """Turn PNG files into intensities: black becomes 0 and white ``levels - 1``.

    What lies between is rounded to the nearest level. Colour is turned into grey, or grey
    repeated, as the model wants; transparency is dropped. The header is looked at before
    anything is decoded, so that a small file cannot ask for a huge image.

    Args:
        files: Whole PNG files of exactly the model's size, up to 8 bits per channel.
        image_shape: ``(height, width, channels)`` with 1 or 3 channels.
        levels: Number of intensity values, up to 256.

    Shapes:
        files: ``(batch,)``, string. Output: ``(batch, height, width, channels)``, uint8.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if a file is something else or damaged.
    """
    height, width, channels = image_shape
    start = _START + struct.pack(">II", width, height)
    is_right = tf.equal(tf.strings.substr(files, 0, len(start)), start)
    # The decoder would drop the lower half of 16 bits without a word.
    is_deep = tf.equal(tf.strings.substr(files, 0, len(start) + 1), start + _SIXTEEN_BITS)
    message = f"must hold PNG images {width} wide and {height} high, up to 8 bits per channel."
    check = tf.debugging.Assert(tf.reduce_all(is_right & ~is_deep), [f"png_bytes {message}"])
    with tf.control_dependencies([check]):
        files = tf.identity(files)
    decoded = tf.map_fn(
        lambda file: tf.ensure_shape(tf.io.decode_png(file, channels), image_shape),
        files,
        fn_output_signature=tf.TensorSpec(image_shape, "uint8"),
    )
    table = tf.constant(from_eight_bits(np.arange(256), levels), "uint8")
    return tf.gather(table, tf.cast(decoded, "int32"))


def encode_png(images: tf.Tensor, levels: int) -> tf.Tensor:
    """Turn intensities into PNG files, grey or RGB: 0 becomes black and ``levels - 1`` white.

    Args:
        images: Integers ``0..levels-1``.
        levels: Number of intensity values, up to 256.

    Shapes:
        images: ``(batch, height, width, 1 or 3)``. Output: ``(batch,)``, string.
    """
    table = tf.constant(to_eight_bits(np.arange(levels), levels), "uint8")
    return tf.io.encode_png(tf.gather(table, tf.cast(images, "int32")))
