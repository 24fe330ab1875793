"""The classifier of videos: what a step may read, its arithmetic, and that it learns an order."""

import keras
import numpy as np
import pytest
from checks import to_numpy

from keras_ar.layers import TimeAlignedBlock
from keras_ar.models import TimeAlignedDenseNet

_TIME, _SIZE = 4, 6


def small_model(**arguments) -> TimeAlignedDenseNet:
    sizes = {"bottleneck_filters": 5, "growth_rate": 3, "head_filters": 8, "num_classes": 2}
    return TimeAlignedDenseNet((_TIME, _SIZE, _SIZE, 1), **(sizes | arguments))


def random_videos(count: int, seed: int = 0) -> np.ndarray:
    shape = (count, _TIME, _SIZE, _SIZE, 1)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def frame_encoder() -> keras.Model:
    frames = keras.Input((_SIZE, _SIZE, 1))
    return keras.Model(frames, keras.layers.Conv2D(7, 3, strides=2, activation="relu")(frames))


@pytest.mark.parametrize("with_encoder", [False, True])
def test_a_step_reads_all_frames_up_to_its_own_and_no_later_one(with_encoder):
    model = small_model(frame_encoder=frame_encoder() if with_encoder else None)
    steps = model.step_features()
    videos = random_videos(2)
    before = to_numpy(steps(videos))
    for changed in range(_TIME):
        others = videos.copy()
        others[:, changed] = 255 - others[:, changed]
        moved = np.abs(to_numpy(steps(others)) - before).max(axis=(0, 2, 3, 4))
        np.testing.assert_array_equal(moved[:changed], 0.0)
        assert np.all(moved[changed:] > 0.0)


def test_a_block_is_normalisation_relu_and_convolution_of_all_that_is_known():
    generator = np.random.default_rng(0)
    frame = generator.normal(size=(2, 4, 5, 3)).astype("float32")
    earlier = [generator.normal(size=(2, 4, 5, 2)).astype("float32") for _ in range(2)]
    block = TimeAlignedBlock(2)
    block([frame, *earlier])
    scale, shift, mean, variance = (generator.uniform(0.5, 1.5, 7) for _ in range(4))
    kernel = generator.normal(size=(3, 3, 7, 2))
    block.normalization.set_weights([scale, shift, mean, variance])
    block.convolution.set_weights([kernel])

    joined = np.concatenate([frame, *earlier], axis=-1).astype("float64")
    joined = np.maximum((joined - mean) / np.sqrt(variance + 1e-5) * scale + shift, 0.0)
    padded = np.pad(joined, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = sum(
        padded[:, row : row + 4, column : column + 5] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    )
    np.testing.assert_allclose(to_numpy(block([frame, *earlier])), expected, rtol=1e-4, atol=1e-4)


def test_every_step_has_weights_of_its_own_and_they_grow_with_the_number_of_frames():
    model = small_model()
    kernels = [model.get_layer(f"step_{step}").convolution.kernel.shape[2] for step in range(_TIME)]
    assert kernels == [5, 8, 11, 14]


@pytest.mark.slow
def test_it_learns_in_which_direction_a_point_moves():
    # The frames of a video and of its reverse are the same: only their order tells.
    generator = np.random.default_rng(1)
    videos = generator.integers(0, 60, (96, _TIME, _SIZE, _SIZE, 1), dtype=np.uint8)
    rows = generator.integers(0, _SIZE, 96)
    starts = generator.integers(0, _SIZE - _TIME + 1, 96)
    for step in range(_TIME):
        videos[np.arange(96), step, rows, starts + step] = 255
    labels = np.arange(96) % 2
    videos[labels == 1] = videos[labels == 1, ::-1]

    model = small_model(growth_rate=8, head_filters=16, dropout=0.0)
    adam = keras.optimizers.Adam(1e-2)
    loss = "sparse_categorical_crossentropy"
    model.compile(adam, loss, metrics=["accuracy"], jit_compile=False)
    model.fit(videos[:64], labels[:64], batch_size=16, epochs=30, verbose=0)
    assert model.evaluate(videos[64:], labels[64:], verbose=0)[1] > 0.9


def test_a_saved_model_with_its_frame_encoder_gives_the_same_probabilities(tmp_path):
    model = small_model(frame_encoder=frame_encoder())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is TimeAlignedDenseNet
    videos = random_videos(3)
    np.testing.assert_allclose(to_numpy(loaded(videos)), to_numpy(model(videos)), rtol=1e-6)


def test_half_precision_gives_float32_probabilities(dtype_policy):
    dtype_policy("mixed_bfloat16")
    model = small_model()
    probabilities = model(random_videos(3))
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(probabilities).sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes must be at least 2"),
        ({"growth_rate": 0}, "needs at least one filter"),
        (
            {"frame_encoder": lambda: keras.Sequential([keras.layers.GlobalAveragePooling2D()])},
            "frame_encoder must give feature maps",
        ),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    arguments = {key: value() if callable(value) else value for key, value in arguments.items()}
    with pytest.raises(ValueError, match=message):
        small_model(**arguments)


@pytest.mark.parametrize("video_shape", [(4, 8, 8), (0, 8, 8, 3), (4, 8, 8, 2.5)])
def test_a_shape_that_is_none_of_a_video_is_refused(video_shape):
    with pytest.raises(ValueError, match="video_shape must be"):
        TimeAlignedDenseNet(video_shape)
