from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from keras_ar.data import load_folder


def write_image(path: Path, pixels: np.ndarray) -> np.ndarray:
    PIL.Image.fromarray(pixels).save(path)
    return pixels


def random_pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_files_come_in_the_order_of_their_names_with_their_exact_pixels(tmp_path):
    second = write_image(tmp_path / "b.png", random_pixels(4, 5, 3, seed=1))
    first = write_image(tmp_path / "a.PNG", random_pixels(4, 5, 3, seed=2))
    images = load_folder(tmp_path)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, [first, second])


def test_other_files_hidden_files_and_subfolders_are_left_out(tmp_path):
    write_image(tmp_path / "a.jpg", random_pixels(4, 4, 3))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._a.jpg").write_text("what macOS leaves behind")
    (tmp_path / "more").mkdir()
    write_image(tmp_path / "more" / "b.png", random_pixels(4, 4, 3))
    assert load_folder(str(tmp_path)).shape == (1, 4, 4, 3)


def test_one_channel_turns_colour_into_grey_and_three_repeat_grey(tmp_path):
    write_image(tmp_path / "colour.png", np.full((2, 2, 3), [255, 0, 0], np.uint8))
    write_image(tmp_path / "grey.png", np.full((2, 2), 7, np.uint8))
    grey = load_folder(tmp_path, (2, 2, 1))
    assert grey.shape == (2, 2, 2, 1)
    np.testing.assert_array_equal(grey[:, 0, 0, 0], [76, 7])
    colour = load_folder(tmp_path, (2, 2, 3))
    np.testing.assert_array_equal(colour[:, 0, 0], [[255, 0, 0], [7, 7, 7]])


def test_transparency_is_dropped(tmp_path):
    pixels = random_pixels(2, 2, 4)
    write_image(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(load_folder(tmp_path)[0], pixels[..., :3])


def test_without_a_shape_grey_and_colour_do_not_mix(tmp_path):
    write_image(tmp_path / "a.png", random_pixels(2, 2, 3))
    write_image(tmp_path / "grey.png", random_pixels(2, 2))
    with pytest.raises(ValueError, match=r"grey\.png has shape \(2, 2, 1\)"):
        load_folder(tmp_path)


def test_a_file_of_another_size_is_named(tmp_path):
    write_image(tmp_path / "a.png", random_pixels(4, 4, 3))
    write_image(tmp_path / "wide.png", random_pixels(4, 8, 3))
    with pytest.raises(ValueError, match=r"wide\.png is 4 x 8 .* not 4 x 4: give resize=True"):
        load_folder(tmp_path, (4, 4, 3))
    with pytest.raises(ValueError, match=r"wide\.png has shape \(4, 8, 3\)"):
        load_folder(tmp_path)


def test_resize_cuts_out_the_centre_and_does_not_stretch(tmp_path):
    pixels = np.zeros((8, 40, 3), np.uint8)
    pixels[:, 8:32] = 200  # wider than the square in the centre by what the filter reads beyond it
    write_image(tmp_path / "a.png", pixels)
    image = load_folder(tmp_path, (4, 4, 3), resize=True)[0]
    np.testing.assert_array_equal(image, np.full((4, 4, 3), 200))


def test_resize_leaves_an_image_of_the_right_size_as_it_is(tmp_path):
    pixels = write_image(tmp_path / "a.png", random_pixels(4, 4, 3))
    np.testing.assert_array_equal(load_folder(tmp_path, (4, 4, 3), resize=True)[0], pixels)


def test_an_empty_or_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path.name} has no .png"):
        load_folder(tmp_path)
    with pytest.raises(ValueError, match="missing is not a folder"):
        load_folder(tmp_path / "missing")


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not a PNG")
    with pytest.raises(ValueError, match=r"broken\.png cannot be read"):
        load_folder(tmp_path)


def test_a_truncated_file_is_named(tmp_path):
    write_image(tmp_path / "cut.png", random_pixels(64, 64, 3))
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"cut\.png cannot be read"):
        load_folder(tmp_path)


def test_a_16_bit_image_is_refused_rather_than_clipped(tmp_path):
    write_image(tmp_path / "deep.png", np.full((2, 2), 1000, np.uint16))
    with pytest.raises(ValueError, match=r"deep\.png is not an 8-bit image"):
        load_folder(tmp_path)


def test_a_shape_that_no_image_can_have_is_refused(tmp_path):
    write_image(tmp_path / "a.png", random_pixels(2, 2, 3))
    with pytest.raises(ValueError, match="1 or 3 channels"):
        load_folder(tmp_path, (2, 2, 2))
    with pytest.raises(ValueError, match="needs an image_shape"):
        load_folder(tmp_path, resize=True)
