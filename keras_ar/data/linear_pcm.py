"""Samples of 16 bits as codes: what mu-law loses is kept."""

import numpy as np

from keras_ar.data.waveform_checks import check_codes, check_waveform

LINEAR_LEVELS = 65536
_HALF = LINEAR_LEVELS // 2


def linear_encode(waveform: np.ndarray) -> np.ndarray:
    """Quantize a waveform into the 65536 steps of 16-bit PCM, counted from 0.

    Code ``c`` stands for the sample ``c - 32768`` of 16 bits and the value ``(c - 32768) /
    32768``; values between two steps go to the nearest. The value 1, for which 16 bits have no
    sample, goes to the one next to it.

    Args:
        waveform: Any shape, float in [-1, 1].

    Shapes:
        That of ``waveform``, int32.

    Raises:
        ValueError: If the waveform is not floats in [-1, 1].

    Example:
        >>> linear_encode(np.array([-1.0, 0.0, 1.0]))
        array([    0, 32768, 65535], dtype=int32)
    """
    samples = np.rint(check_waveform(waveform) * _HALF).astype(np.int32)
    return np.minimum(samples, _HALF - 1) + _HALF


def linear_decode(codes: np.ndarray) -> np.ndarray:
    """Turn the codes of ``linear_encode`` into the waveform they stand for, exactly.

    Args:
        codes: Any shape, integers 0..65535.

    Shapes:
        That of ``codes``, float32 in [-1, 1).

    Raises:
        ValueError: If a code is out of range.
    """
    codes = check_codes(codes, LINEAR_LEVELS).astype(np.int32)
    return ((codes - _HALF) / _HALF).astype(np.float32)
