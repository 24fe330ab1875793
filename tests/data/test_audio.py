"""Recordings of a data set and of a folder as padded codes."""

from pathlib import Path

import numpy as np
import pytest

from keras_ar.data import (
    PADDING,
    SPOKEN_DIGIT_SPEAKERS,
    dataset_info,
    lengths_of,
    linear_encode,
    load_audio,
    load_examples,
    mu_law_encode,
    write_wav,
)

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")


def samples_of(digit: int, speaker: str, index: int) -> np.ndarray:
    """A recording that tells which one it is, by its values and its length."""
    number = 300 * SPOKEN_DIGIT_SPEAKERS.index(speaker) + 30 * digit
    return np.full(index + 2, number - 900, np.int64)


@pytest.fixture
def recordings(monkeypatch):
    """A small set in place of TFDS's, in no order; yields it as a list of examples to change."""
    examples = [
        {
            "audio": samples_of(digit, speaker, index),
            "audio/filename": f"{digit}_{speaker}_{index}.wav",
            "label": np.int64(digit),
        }
        for digit in (7, 2)
        for speaker in ("theo", "george")
        for index in (12, 4, 0, 49, 5, 9, 10)
    ]
    asked = {}

    def as_dataset(builder, split, decoders=None, read_config=None, shuffle_files=False):
        asked.update(split=split, autocache=read_config.try_autocache, shuffle=shuffle_files)
        signature = {
            "audio": tf.TensorSpec([None], tf.int64),
            "audio/filename": tf.TensorSpec([], tf.string),
            "label": tf.TensorSpec([], tf.int64),
        }
        return tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=signature)

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        yield examples
    assert asked in ({}, {"split": "train", "autocache": False, "shuffle": False})


@pytest.mark.parametrize(
    ("split", "indices"),
    [
        ("test", [0, 4]),
        ("validation", [5, 9]),
        ("train", [10, 12, 49]),
        ("train+validation", [5, 9, 10, 12, 49]),
        ("test + train", [0, 4, 10, 12, 49]),
    ],
)
def test_the_index_of_a_recording_decides_its_split(recordings, split, indices):
    codes, labels = load_audio("spoken_digit", split, labels=True)
    expected = [
        (index, digit, speaker) for index in indices for digit in (2, 7) for speaker in (0, 4)
    ]
    np.testing.assert_array_equal(labels, [key[1:] for key in expected])
    assert labels.dtype == np.int32 and codes.dtype == np.int16
    for row, length, (index, digit, speaker) in zip(
        codes, lengths_of(codes), expected, strict=True
    ):
        samples = samples_of(digit, SPOKEN_DIGIT_SPEAKERS[speaker], index)
        np.testing.assert_array_equal(row[:length], mu_law_encode(samples / 32768))
    assert codes.shape[1] == indices[-1] + 2


def test_names_without_a_suffix_are_understood_too(recordings):
    before = load_audio("spoken_digit", "test", labels=True)
    for example in recordings:
        example["audio/filename"] = example["audio/filename"].removesuffix(".wav")
    for one, other in zip(before, load_audio("spoken_digit", "test", labels=True), strict=True):
        np.testing.assert_array_equal(one, other)


def test_65536_levels_keep_the_samples_and_65535_are_mu_law(recordings):
    codes = load_audio("spoken_digit", "test", levels=65536)
    assert codes.dtype == np.int32
    samples = samples_of(2, "george", 0)
    np.testing.assert_array_equal(codes[0], [*linear_encode(samples / 32768), -1, -1, -1, -1])
    some = load_audio("spoken_digit", "test", levels=65535)[0, :2]
    np.testing.assert_array_equal(some, mu_law_encode(samples / 32768, 65535))


def test_limit_keeps_the_first_recordings_and_their_width(recordings):
    codes, labels = load_audio("spoken_digit", "test", limit=3, labels=True)
    np.testing.assert_array_equal(labels, [[2, 0], [2, 4], [7, 0]])
    assert codes.shape == (3, 2)
    assert len(load_audio("spoken_digit", "test", limit=99)) == 8


def test_load_examples_gives_the_same_codes_and_labels(recordings):
    codes, labels = load_examples("spoken_digit", "validation", labels=True, limit=5)
    expected = load_audio("spoken_digit", "validation", labels=True, limit=5)
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(labels, expected[1])
    assert load_examples("spoken_digit", "test", levels=16).max() < 16


@pytest.mark.parametrize(
    ("name", "label"), [("7_nobody_0.wav", 7), ("noise.wav", 7), ("7_theo_0.wav", 3)]
)
def test_a_recording_whose_name_is_not_understood_is_refused(recordings, name, label):
    recordings[3].update({"audio/filename": name, "label": np.int64(label)})
    with pytest.raises(ValueError, match=f"'{name}' with the label {label}"):
        load_audio("spoken_digit", "test")


def test_samples_of_more_than_16_bits_are_refused(recordings):
    recordings[2]["audio"] = np.array([0, 32768])
    with pytest.raises(ValueError, match="more than 16 bits"):
        load_audio("spoken_digit", "test")


def test_another_sample_rate_of_the_data_is_found(recordings, monkeypatch):
    load_audio("spoken_digit", "test", sample_rate=8000)
    with pytest.raises(ValueError, match="has 8000 samples a second, not 16000"):
        load_audio("spoken_digit", "test", sample_rate=16000)
    monkeypatch.setattr(tfds.features.Audio, "sample_rate", 44100)
    with pytest.raises(ValueError, match="has 44100 samples a second, not 8000"):
        load_audio("spoken_digit", "test")


@pytest.mark.parametrize("split", ["valid", "train[:10]", "train+train", ""])
def test_an_unknown_split_is_answered_with_those_there_are(split):
    with pytest.raises(ValueError, match="give one of train, validation, test, or several"):
        load_audio("spoken_digit", split)


def test_the_record_agrees_with_the_labels():
    info = dataset_info("spoken_digit")
    assert info.sample_rate == 8000
    assert info.labels == ("digit", "speaker")
    assert info.num_classes == (10, 6)
    assert info.class_names == (tuple("0123456789"), SPOKEN_DIGIT_SPEAKERS)
    assert sorted(SPOKEN_DIGIT_SPEAKERS) == list(SPOKEN_DIGIT_SPEAKERS)


@pytest.fixture
def folder(tmp_path):
    for name, length in (("b.wav", 3), ("a.WAV", 5), ("c.wav", 1)):
        write_wav(tmp_path / name, np.full(length, length / 10), 8000)
    (tmp_path / "notes.txt").write_text("no sound")
    (tmp_path / "._a.wav").write_text("what macOS leaves behind")
    return tmp_path


def test_the_files_of_a_folder_come_in_the_order_of_their_names(folder):
    codes = load_audio(folder)
    np.testing.assert_array_equal(lengths_of(codes), [5, 3, 1])
    np.testing.assert_array_equal(codes[1], [*[mu_law_encode(np.array(0.3))] * 3, PADDING, PADDING])
    np.testing.assert_array_equal(load_audio(str(folder), limit=2), codes[:2])
    np.testing.assert_array_equal(load_examples(folder, "train"), codes)
    assert load_audio(folder, sample_rate=8000, levels=65536).dtype == np.int32


def test_a_subfolder_of_the_name_of_the_split_is_read_in_place_of_the_folder(folder):
    (folder / "validation").mkdir()
    write_wav(folder / "validation" / "d.wav", np.zeros(7), 8000)
    assert load_audio(folder, "validation").shape == (1, 7)
    assert load_audio(folder, "train").shape == (3, 5)
    (folder / "train").mkdir()
    write_wav(folder / "train" / "e.wav", np.zeros(9), 8000)
    assert load_audio(folder, "train").shape == (1, 9)


def test_a_path_object_is_a_folder_even_where_its_name_is_that_of_a_data_set(folder, monkeypatch):
    (folder / "spoken_digit").mkdir()
    write_wav(folder / "spoken_digit" / "a.wav", np.zeros(2), 8000)
    monkeypatch.chdir(folder)
    assert load_audio(Path("spoken_digit")).shape == (1, 2)


def test_files_of_different_rates_do_not_mix(folder):
    write_wav(folder / "d.wav", np.zeros(2), 16000)
    with pytest.raises(ValueError, match=r"d\.wav has 16000 .* the files before it have 8000"):
        load_audio(folder)
    with pytest.raises(ValueError, match=r"a\.WAV has 8000 samples a second, not 16000"):
        load_audio(folder, sample_rate=16000)


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("spoken_digits", {}, "neither a folder nor a data set of audio"),
        ("mnist", {}, "holds images, not audio: load it with keras_ar.data.load_images"),
        ("here", {"labels": True}, "A folder has no labels"),
        ("here", {"split": "test"}, "no subfolder 'test'"),
        ("here", {"levels": 1}, "levels must be between 2 and 65536; received 1"),
        ("here", {"limit": 0}, "limit must be at least 1; received 0"),
        ("here/empty", {}, r"has no \.wav files"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_a_reason(folder, source, arguments, message):
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        load_audio(source.replace("here", str(folder)), **arguments)


@pytest.mark.network
@pytest.mark.parametrize(("split", "indices"), [("train", 40), ("validation", 5), ("test", 5)])
def test_the_real_recordings_are_as_recorded(split, indices):
    codes, labels = load_audio("spoken_digit", split, labels=True)
    speakers = np.unique(labels[:, 1])
    # Version 1.0.9 has five speakers, and 1.0.10, whose format is the same, all six.
    assert len(speakers) in (5, 6)
    assert len(codes) == 10 * len(speakers) * indices
    np.testing.assert_array_equal(np.unique(labels[:, 0]), range(10))
    assert lengths_of(codes).min() > 1000
    assert codes.max() > 200
