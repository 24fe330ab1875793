"""Checks shared by everything that takes waveforms, or codes of them, as NumPy arrays."""

import numpy as np


def check_waveform(waveform: np.ndarray) -> np.ndarray:
    """Insist on the one form of sound: floats in [-1, 1].

    Integers are refused rather than scaled: whether they are samples of 8, 16 or 24 bits
    cannot be told from the values.

    Args:
        waveform: Candidate array of any shape.

    Returns:
        The waveform as float64.

    Raises:
        ValueError: If it does not hold floats, or one is outside [-1, 1] or not a number.
    """
    waveform = np.asarray(waveform)
    if not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(
            f"A waveform must be floats in [-1, 1]; received {waveform.dtype}. Divide samples of "
            "16 bits by 32768."
        )
    # Written so that NaN, which compares as false, is found too.
    is_wrong = ~(np.abs(waveform) <= 1)
    if is_wrong.any():
        raise ValueError(
            f"A waveform must lie in [-1, 1]; {np.count_nonzero(is_wrong)} of {waveform.size} "
            f"values do not, such as {waveform[is_wrong][0]}."
        )
    return waveform.astype(np.float64)


def check_codes(codes: np.ndarray, levels: int) -> np.ndarray:
    """Insist on codes ``0..levels-1``.

    Args:
        codes: Candidate array of any shape.
        levels: Number of different codes.

    Raises:
        ValueError: If they are not integers, or one is out of range.
    """
    codes = np.asarray(codes)
    if not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"Codes must be integers; received {codes.dtype}.")
    if codes.size and not (codes.min() >= 0 and codes.max() < levels):
        raise ValueError(
            f"Codes must lie in 0..{levels - 1}; received {codes.min()} to {codes.max()}. Cut the "
            "padding, -1, off first."
        )
    return codes
