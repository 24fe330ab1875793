"""Sequences of different lengths in one array."""

import numpy as np
import pytest

from keras_ar.data import PADDING, lengths_of, pad_sequences


def test_every_sequence_stands_at_the_head_of_its_row_and_padding_behind_it():
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 256, length) for length in (3, 1, 7, 7)]
    codes = pad_sequences(sequences)
    assert codes.shape == (4, 7)
    for row, sequence in zip(codes, sequences, strict=True):
        np.testing.assert_array_equal(row[: len(sequence)], sequence)
        assert (row[len(sequence) :] == PADDING).all()


def test_the_lengths_are_those_of_the_sequences():
    lengths = lengths_of(pad_sequences([np.zeros(n, np.int16) for n in (3, 1, 7)]))
    np.testing.assert_array_equal(lengths, [3, 1, 7])
    assert lengths.dtype == np.int32
    np.testing.assert_array_equal(lengths_of(np.array([[PADDING, PADDING]])), [0])
    np.testing.assert_array_equal(lengths_of(np.array([[7, 8]], np.uint8)), [2])


@pytest.mark.parametrize(
    ("given", "padded"),
    [("int16", "int16"), ("uint8", "int16"), ("uint16", "int32"), ("int64", "int64")],
)
def test_the_type_is_the_smallest_that_holds_codes_and_padding(given, padded):
    largest = np.array([np.iinfo(given).max], given)
    codes = pad_sequences([largest, np.zeros(2, given)])
    assert codes.dtype == padded
    assert codes[0].tolist() == [np.iinfo(given).max, -1]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "at least one sequence"),
        ([np.zeros(2, int), np.zeros(2)], "Sequence 1 must be integers .* received float64"),
        ([np.zeros((2, 2), int)], r"Sequence 0 must be integers .* shape \(2, 2\)"),
        ([np.zeros(2, int), np.zeros(0, int)], "Sequence 1 is empty"),
        ([np.array([3, -1])], "Sequence 0 holds the negative code -1"),
        ([np.zeros(2, np.uint64)], "give int64"),
    ],
)
def test_what_cannot_be_padded_is_refused_with_its_number(sequences, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([[1, 2], [-1, 2]]), "Sequence 1 holds the padding -1 before a code"),
        (np.array([[1, -1, 2, -1]]), "Sequence 0 holds the padding"),
        (np.array([[1, -2]]), "at least -1; received -2"),
        (np.zeros((2, 2)), "received float64"),
        (np.zeros(2, int), r"received int64 of shape \(2,\)"),
    ],
)
def test_codes_whose_ends_cannot_be_told_are_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        lengths_of(codes)
