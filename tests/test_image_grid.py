import numpy as np
import PIL.Image
import pytest

from keras_ar.image_grid import (
    from_eight_bits,
    hide_unknown,
    image_grid,
    read_images,
    save_grid,
    to_eight_bits,
)


def numbered(count: int, height: int = 2, width: int = 3, channels: int = 1) -> np.ndarray:
    return np.tile(
        np.arange(count, dtype="uint8")[:, None, None, None], (1, height, width, channels)
    )


@pytest.mark.parametrize("levels", [2, 3, 4, 16, 256, 1000])
def test_darkest_is_black_and_brightest_is_white_and_the_order_is_kept(levels):
    shown = to_eight_bits(np.arange(levels), levels)
    assert (shown[0], shown[-1], shown.dtype) == (0, 255, np.uint8)
    assert np.all(np.diff(shown.astype(int)) >= (levels <= 256))


def test_256_levels_are_shown_as_they_are():
    values = np.arange(256)
    np.testing.assert_array_equal(to_eight_bits(values, 256), values)


@pytest.mark.parametrize("levels", [2, 3, 16, 255, 256])
def test_eight_bits_become_the_nearest_level(levels):
    shown = to_eight_bits(np.arange(levels), levels)
    np.testing.assert_array_equal(from_eight_bits(shown, levels), np.arange(levels))
    values = np.arange(256)
    ideal = np.linspace(0, 255, levels)
    distances = np.abs(values[:, None] - ideal)
    chosen = np.abs(values - ideal[from_eight_bits(values, levels)])
    np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-9)


def test_what_is_unknown_becomes_grey_and_the_rest_stays():
    images = np.full((2, 1, 2, 3), 7, "uint8")
    shown = hide_unknown(images, np.array([[True, False]]))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown[:, :, 0], images[:, :, 0])
    assert np.all(shown[:, :, 1] == 128)
    each = hide_unknown(images, np.array([[[True, False]], [[False, True]]]))
    np.testing.assert_array_equal(each[1, :, 0], shown[1, :, 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_images_stand_row_by_row_with_a_grey_gap_around_each(channels):
    sheet = np.asarray(image_grid(numbered(5, channels=channels), 256, columns=2, scale=4))
    assert sheet.shape[:2] == (4 * (3 * 3 + 1), 4 * (2 * 4 + 1))
    assert sheet.ndim == (2 if channels == 1 else 3)
    small = sheet[::4, ::4]
    np.testing.assert_array_equal(sheet, small.repeat(4, axis=0).repeat(4, axis=1))
    expected = np.full_like(small, 128)
    for number in range(5):
        row, column = divmod(number, 2)
        top, left = 1 + 3 * row, 1 + 4 * column
        expected[top : top + 2, left : left + 3] = number
    np.testing.assert_array_equal(small, expected)


def test_the_sheet_is_nearly_square_and_small_images_are_enlarged():
    sheet = image_grid(np.zeros((10, 28, 28, 1), "uint8"), 2)
    assert sheet.size == (4 * (4 * 29 + 1), 4 * (3 * 29 + 1))
    assert image_grid(np.zeros((1, 300, 200, 3), "uint8"), 256).size == (202, 302)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((2, 3, 4)), {}, "shape"),
        (np.zeros((2, 3, 4, 2)), {}, "shape"),
        (np.zeros((0, 3, 4, 1)), {}, "at least one"),
        (np.full((1, 3, 4, 1), 2), {}, "0..1"),
        (np.full((1, 3, 4, 1), -1), {}, "0..1"),
        (np.zeros((1, 3, 4, 1)), {"columns": 0}, "columns"),
        (np.zeros((1, 3, 4, 1)), {"scale": 0}, "scale"),
    ],
)
def test_what_cannot_be_shown_is_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        image_grid(images, 2, **options)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("levels", [2, 5, 256])
def test_files_read_back_what_was_written(tmp_path, levels, channels):
    images = np.random.default_rng(0).integers(0, levels, (2, 4, 5, channels)).astype("uint8")
    paths = [tmp_path / "0.png", str(tmp_path / "1.png")]
    for image, path in zip(images, paths, strict=True):
        shown = to_eight_bits(image, levels)
        PIL.Image.fromarray(shown[..., 0] if channels == 1 else shown).save(path)
    read = read_images(paths, (4, 5, channels), levels)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, images)
    np.testing.assert_array_equal(read_images(paths[1], (4, 5, channels), levels), images[1:])


def test_colour_becomes_grey_and_grey_is_repeated(tmp_path):
    PIL.Image.new("RGB", (3, 2), (255, 255, 255)).save(tmp_path / "colour.png")
    PIL.Image.new("L", (3, 2), 200).save(tmp_path / "grey.png")
    assert np.all(read_images(tmp_path / "colour.png", (2, 3, 1), 2) == 1)
    assert np.all(read_images(tmp_path / "grey.png", (2, 3, 3), 256) == 200)


def test_a_saved_sheet_holds_every_value(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 2, 3)).astype("uint8")
    path = save_grid(tmp_path / "sheet.png", images, 256, columns=3, scale=1)
    with PIL.Image.open(path) as file:
        np.testing.assert_array_equal(np.asarray(file)[1:3, 4:6], images[1])


def test_files_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "image.png"
    with pytest.raises(FileNotFoundError, match=r"no image file .*image\.png"):
        read_images(path, (2, 3, 1), 2)
    path.write_text("not a picture")
    with pytest.raises(ValueError, match=r"image\.png cannot be read"):
        read_images(path, (2, 3, 1), 2)
    PIL.Image.new("L", (5, 6)).save(path)
    with pytest.raises(ValueError, match=r"5 wide and 6 high.* 3 wide and 2 high"):
        read_images(path, (2, 3, 1), 2)
    PIL.Image.new("I;16", (3, 2)).save(path)
    with pytest.raises(ValueError, match="not an 8-bit"):
        read_images(path, (2, 3, 1), 2)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        read_images(path, (2, 3, 2), 2)
