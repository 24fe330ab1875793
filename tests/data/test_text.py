"""Texts, and the characters they are made of."""

import dataclasses
import json

import numpy as np
import pytest

from keras_ar.data import Vocabulary, dataset_info, load_examples, load_text

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")

PARTS = {"train": "To be, or not to be.\n", "validation": "That is", "test": "the question: é"}


@pytest.fixture
def shakespeare():
    """A small text in place of TFDS's."""

    def as_dataset(builder, split, decoders=None, read_config=None, shuffle_files=False):
        return tf.data.Dataset.from_tensors({"text": PARTS[split].encode()})

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        yield


def test_the_splits_of_a_data_set_are_its_own(shakespeare):
    for split, text in PARTS.items():
        assert load_text("tiny_shakespeare", split) == text
    assert load_text("tiny_shakespeare", "train+test") == PARTS["train"] + PARTS["test"]


def test_a_file_is_cut_in_order_into_ninety_five_and_five_per_cent(tmp_path):
    text = "".join(chr(0x4E00 + n) for n in range(1000))
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert load_text(tmp_path / "a.txt") == text[:900]
    assert load_text(str(tmp_path / "a.txt"), "validation") == text[900:950]
    assert load_text(tmp_path / "a.txt", "test") == text[950:]
    assert load_text(tmp_path / "a.txt", "train+validation+test") == text


@pytest.mark.parametrize("length", [20, 21, 999, 1_115_394])
def test_no_character_of_a_file_is_lost_or_in_two_splits(tmp_path, length):
    (tmp_path / "a.txt").write_bytes(b"x" * length)
    parts = [load_text(tmp_path / "a.txt", split) for split in PARTS]
    assert sum(map(len, parts)) == length
    assert abs(len(parts[1]) - len(parts[2])) <= 1


def test_line_ends_are_kept_and_a_byte_order_mark_is_not(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n" + b"." * 20)
    whole = load_text(tmp_path / "a.txt", "train+validation+test")
    assert whole == "one\r\ntwo\n" + "." * 20


def test_a_text_that_cannot_be_loaded_is_refused_with_a_reason(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(FileNotFoundError, match=r"a\.txt is neither a text file nor"):
        load_text(path)
    path.write_bytes(b"abc\xff" * 10)
    with pytest.raises(ValueError, match=r"a\.txt is not UTF-8: invalid start byte at byte 3"):
        load_text(path)
    path.write_text("short")
    with pytest.raises(ValueError, match="has 5 characters, too few for a split 'validation'"):
        load_text(path, "train+validation")
    with pytest.raises(ValueError, match="no split 'valid': give one of train, validation, test"):
        load_text(path, "valid")
    with pytest.raises(ValueError, match="holds audio, not text"):
        load_text("spoken_digit")


def test_decoding_gives_the_text_that_was_encoded():
    text = "".join(PARTS.values()) + "\U0001f600\x00\ud800"
    vocabulary = Vocabulary.from_text(text)
    codes = vocabulary.encode(text)
    assert codes.dtype == np.int32 and codes.shape == (len(text),)
    np.testing.assert_array_equal(np.unique(codes), range(vocabulary.size))
    assert vocabulary.decode(codes) == vocabulary.decode(codes.tolist()) == text
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.decode([]) == ""


def test_a_character_has_the_code_of_its_place():
    vocabulary = Vocabulary("cab")
    assert vocabulary.encode("abc").tolist() == [1, 2, 0]
    assert Vocabulary.from_text("cabac").characters == "abc"


def test_vocabularies_are_equal_if_their_characters_and_order_are():
    assert Vocabulary("ab") == Vocabulary.from_text("bab")
    assert Vocabulary("ab") != Vocabulary("ba")
    assert len({Vocabulary("ab"), Vocabulary("ab"), Vocabulary("b")}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Vocabulary("ab").characters = "c"


def test_a_saved_vocabulary_is_loaded_as_it_was_even_with_odd_characters(tmp_path):
    vocabulary = Vocabulary('é\n"\\\U0001f600\ud800\x00 中')
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary
    stored = json.loads((tmp_path / "vocabulary.json").read_bytes())
    assert stored == {"characters": vocabulary.characters}


@pytest.mark.parametrize("content", ["", "[1]", '{"size": 3}', '{"characters": ["a"]}', '"ab"'])
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(ValueError, match=r"odd\.json is not a vocabulary"):
        Vocabulary.load(tmp_path / "odd.json")


def test_unknown_characters_are_named_with_their_places():
    vocabulary = Vocabulary("abc")
    with pytest.raises(ValueError, match=r"lacks 'x' at position 2, 'é' at position 4\.$"):
        vocabulary.encode("abxcéx")
    with pytest.raises(ValueError, match="'4' at position 4 and 2 other characters"):
        vocabulary.encode("0123456a")


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 3], r"0\.\.2; received 0 to 3"),
        ([-1], "received -1 to -1"),
        ([[0, 1]], r"shape \(1, 2\)"),
        ([0.0], "received float64"),
    ],
)
def test_codes_that_stand_for_nothing_are_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary("abc").decode(codes)


@pytest.mark.parametrize(
    ("characters", "message"),
    [("", "at least one character"), ("aba", "'a' occurs more than once"), (["a"], "received")],
)
def test_a_vocabulary_of_nothing_or_of_doubles_is_refused(characters, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(characters)


def test_load_examples_turns_a_text_into_one_long_sequence(shakespeare, tmp_path):
    vocabulary = Vocabulary.from_text("".join(PARTS.values()))
    codes = load_examples("tiny_shakespeare", "validation", vocabulary=vocabulary, limit=5)
    assert codes.shape == (1, len(PARTS["validation"])) and codes.dtype == np.int32
    assert vocabulary.decode(codes[0]) == PARTS["validation"]
    (tmp_path / "a.txt").write_text("ab" * 20)
    assert load_examples(tmp_path / "a.txt", "train", vocabulary=Vocabulary("ab")).shape == (1, 36)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("tiny_shakespeare", {}, "'tiny_shakespeare' needs a vocabulary"),
        ("mnist", {"vocabulary": Vocabulary("a")}, "'mnist' is images and takes no vocabulary"),
        ("a.npz", {"levels": 2}, "'a.npz' is arrays and takes no levels"),
        ("a.txt", {"vocabulary": Vocabulary("a"), "labels": True}, "has no labels"),
        ("a.txt", {"vocabulary": Vocabulary("a"), "limit": 0}, "limit must be at least 1"),
    ],
)
def test_load_examples_refuses_arguments_that_do_not_belong_to_the_data(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_examples(name, "train", **arguments)


@pytest.mark.network
def test_the_real_text_is_as_recorded():
    info = dataset_info("tiny_shakespeare")
    train = load_text("tiny_shakespeare", "train")
    whole = load_text("tiny_shakespeare", "train+validation+test")
    assert (len(train), len(whole)) == (1_003_854, 1_115_394)
    assert Vocabulary.from_text(train) == Vocabulary.from_text(whole)
    assert Vocabulary.from_text(train).size == info.num_characters
