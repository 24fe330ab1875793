"""Mu-law companding: waveforms as few codes that are finest where sound is softest."""

import numpy as np

from keras_ar.data.waveform_checks import check_codes, check_waveform

MAX_LEVELS = 65536


def mu_law_encode(waveform: np.ndarray, levels: int = 256) -> np.ndarray:
    """Quantize a waveform into ``levels`` bins of equal width after mu-law compression.

    With ``mu = levels - 1``, the value ``f = sign(x) ln(1 + mu |x|) / ln(1 + mu)`` falls into
    bin ``floor((f + 1) / 2 * mu + 0.5)``. The waveform is taken as loud as it is: nothing is
    normalised. Silence is the bin ``levels // 2``, 128 of 256.

    Args:
        waveform: Any shape, float in [-1, 1].
        levels: Number of bins, 2 to 65536.

    Shapes:
        That of ``waveform``; int16 where it holds all codes, up to 32768 levels, else int32.

    Raises:
        ValueError: If the waveform is not floats in [-1, 1], or ``levels`` is out of range.

    Example:
        >>> mu_law_encode(np.array([-1.0, -0.01, 0.0, 0.01, 1.0]))
        array([  0,  98, 128, 157, 255], dtype=int16)

    Source:
        van den Oord et al. (2016), "WaveNet: A Generative Model for Raw Audio",
        arXiv:1609.03499, section 2.2; ITU-T G.711, of which this is the continuous form.
    """
    mu = check_levels(levels) - 1
    waveform = check_waveform(waveform)
    compressed = np.sign(waveform) * np.log1p(mu * np.abs(waveform)) / np.log1p(mu)
    return np.floor((compressed + 1) / 2 * mu + 0.5).astype(code_type(levels))


def mu_law_decode(codes: np.ndarray, levels: int = 256) -> np.ndarray:
    """Give the middle of each bin of ``mu_law_encode`` as a waveform.

    Encoding the result gives the same codes again, whatever ``levels``. The first and the last
    code are -1 and 1. With an even number of levels none is exactly silent: of 256, code 128,
    into which silence is encoded, is 0.00009.

    Args:
        codes: Any shape, integers ``0..levels-1``.
        levels: Number of bins, 2 to 65536.

    Shapes:
        That of ``codes``, float32 in [-1, 1].

    Raises:
        ValueError: If a code or ``levels`` is out of range.

    Source:
        As for ``mu_law_encode``.
    """
    mu = check_levels(levels) - 1
    compressed = check_codes(codes, levels) * (2 / mu) - 1
    expanded = np.sign(compressed) * np.expm1(np.abs(compressed) * np.log1p(mu)) / mu
    return np.clip(expanded, -1, 1).astype(np.float32)


def code_type(levels: int) -> type[np.int16] | type[np.int32]:
    """Name the type in which codes ``0..levels-1`` are kept, beside the padding -1."""
    return np.int16 if levels <= 32768 else np.int32


def check_levels(levels: int) -> int:
    """Insist on a number of codes that 16 bits can tell apart.

    Args:
        levels: Candidate.

    Raises:
        ValueError: If it is less than 2 or more than 65536.
    """
    if not 2 <= levels <= MAX_LEVELS:
        raise ValueError(f"levels must be between 2 and {MAX_LEVELS}; received {levels}.")
    return levels
