import io

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from keras_ar.image_grid import from_eight_bits, to_eight_bits
from keras_ar.serving.png import decode_png, encode_png

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)


def file_of(values: np.ndarray, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(values).save(stream, kind, **options)
    return stream.getvalue()


def greys(height: int, width: int, dtype="uint8") -> np.ndarray:
    return np.linspace(0, 255, height * width).reshape(height, width).astype(dtype)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize(("channels", "levels"), [(1, 2), (1, 7), (3, 16), (3, 256)])
def test_a_file_holds_the_image_without_loss(channels, levels, count):
    shape = (count, 4, 6, channels)
    images = np.random.default_rng(0).integers(0, levels, shape).astype("uint8")
    files = encode_png(tf.constant(images), levels)
    assert files.shape == (count,)
    decoded = decode_png(files, (4, 6, channels), levels)
    assert decoded.dtype == "uint8"
    np.testing.assert_array_equal(decoded, images)


@pytest.mark.parametrize(("channels", "levels"), [(1, 2), (1, 5), (3, 256)])
def test_a_file_shows_level_0_black_and_the_highest_white(channels, levels):
    images = np.random.default_rng(1).integers(0, levels, (1, 4, 6, channels)).astype("uint8")
    images[0, 0, :2, 0] = 0, levels - 1
    with PIL.Image.open(io.BytesIO(encode_png(images, levels).numpy()[0])) as file:
        shown = np.asarray(file).reshape(images.shape[1:])
    np.testing.assert_array_equal(shown, to_eight_bits(images[0], levels))
    assert tuple(shown[0, :2, 0]) == (0, 255)


@pytest.mark.parametrize("levels", [2, 5, 256])
def test_the_values_of_a_file_become_the_nearest_levels(levels):
    values = greys(16, 16)
    decoded = decode_png([file_of(values)], (16, 16, 1), levels)[0, ..., 0]
    np.testing.assert_array_equal(decoded, from_eight_bits(values, levels))


def test_other_kinds_of_png_are_turned_into_the_model_s():
    values = greys(4, 6)
    colour = np.stack([values] * 3, axis=-1)
    transparent = np.concatenate([colour, np.full((4, 6, 1), 9, "uint8")], axis=-1)
    stream = io.BytesIO()
    PIL.Image.fromarray(values).quantize(256).save(stream, "PNG")
    files = [file_of(values), file_of(colour), file_of(transparent), stream.getvalue()]
    for channels in (1, 3):
        decoded = decode_png(files, (4, 6, channels), 256)
        for image in decoded:
            np.testing.assert_array_equal(image, colour[..., :channels])


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"GIF89a",
        file_of(greys(6, 4)),
        file_of(greys(4, 7)),
        file_of(greys(4, 6), "JPEG"),
        file_of(greys(4, 6, "uint16")),
    ],
    ids=["nothing", "no image", "turned", "too wide", "JPEG", "16 bits"],
)
def test_a_wrong_file_is_refused_by_saying_what_is_wanted(wrong):
    right = file_of(greys(4, 6))
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match="png_bytes must hold PNG images 6 wide and 4 high, up to 8 bits",
    ):
        decode_png([right, wrong], (4, 6, 1), 256)


def test_a_damaged_file_is_refused():
    file = file_of(greys(4, 6))
    for damaged in (file[:45], file[:50] + b"\x00\x00" + file[52:]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="PNG"):
            decode_png([damaged], (4, 6, 1), 256)
