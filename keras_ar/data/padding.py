"""Sequences of different lengths in one array: the tails behind their ends hold ``PADDING``."""

from collections.abc import Sequence

import numpy as np

PADDING = -1
"""What stands behind the end of a sequence; codes themselves are never negative."""


def pad_sequences(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Stack sequences of codes into one array as wide as the longest.

    Args:
        sequences: Integer arrays ``(time,)``, none of them empty or negative.

    Shapes:
        ``(number, time)``, the smallest signed type that holds the types of the sequences.

    Raises:
        ValueError: If there is no sequence, or one is not integers ``(time,)``, is empty or
            holds a negative value; the message gives its number.

    Example:
        >>> pad_sequences([np.array([3, 1, 2]), np.array([5])])
        array([[ 3,  1,  2],
               [ 5, -1, -1]])
    """
    sequences = [np.asarray(sequence) for sequence in sequences]
    if not sequences:
        raise ValueError("There must be at least one sequence; received none.")
    for number, sequence in enumerate(sequences):
        if not np.issubdtype(sequence.dtype, np.integer) or sequence.ndim != 1:
            raise ValueError(
                f"Sequence {number} must be integers of shape (time,); "
                f"received {sequence.dtype} of shape {sequence.shape}."
            )
        if not sequence.size:
            raise ValueError(f"Sequence {number} is empty.")
        if sequence.min() < 0:
            raise ValueError(f"Sequence {number} holds the negative code {sequence.min()}.")
    dtype = signed_type(np.result_type(*sequences))
    padded = np.full((len(sequences), max(map(len, sequences))), PADDING, dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


def lengths_of(codes: np.ndarray) -> np.ndarray:
    """Count the codes before the padding of every sequence.

    Args:
        codes: Sequences as ``pad_sequences`` stacks them.

    Shapes:
        Codes: ``(number, time)``, integer.
        Lengths: ``(number,)``, int32; 0 for a row of nothing but padding.

    Raises:
        ValueError: If the codes are not integers of that shape, padding stands before a code,
            or another negative value occurs.

    Example:
        >>> lengths_of(np.array([[3, 1, 2], [5, -1, -1]]))
        array([3, 1], dtype=int32)
    """
    codes = np.asarray(codes)
    if not np.issubdtype(codes.dtype, np.integer) or codes.ndim != 2:
        raise ValueError(
            f"Codes must be integers of shape (number, time); "
            f"received {codes.dtype} of shape {codes.shape}."
        )
    if codes.size and codes.min() < PADDING:
        raise ValueError(f"Codes must be at least {PADDING}; received {codes.min()}.")
    is_padding = codes == PADDING
    is_early = (is_padding[:, :-1] & ~is_padding[:, 1:]).any(axis=1)
    if is_early.any():
        raise ValueError(
            f"Sequence {int(is_early.argmax())} holds the padding {PADDING} before a code; it may "
            "only stand behind the end."
        )
    return np.count_nonzero(~is_padding, axis=1).astype(np.int32)


def signed_type(dtype: np.dtype) -> np.dtype:
    """Give the smallest signed type that holds the values of an integer type and ``PADDING``.

    Args:
        dtype: An integer type.

    Raises:
        ValueError: If there is none, as for uint64.
    """
    signed = np.result_type(dtype, np.int8)
    if not np.issubdtype(signed, np.integer):
        raise ValueError(f"No signed type holds the values of {np.dtype(dtype)}: give int64.")
    return signed
