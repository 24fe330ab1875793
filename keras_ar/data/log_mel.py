"""Log-mel spectrograms: what a vocoder is told about the sound it is to make."""

import numpy as np

from keras_ar.data.waveform_checks import check_waveform

_FLOOR = 1e-10


def log_mel(
    waveform: np.ndarray,
    sample_rate: int,
    *,
    hop: int,
    num_bands: int = 40,
    window: int | None = None,
) -> np.ndarray:
    """Measure how loud each band of pitch is, once every ``hop`` values.

    Frame ``f`` belongs to the values ``f * hop`` to ``(f + 1) * hop - 1``: its window is centred
    on theirs, and what it reaches beyond the ends of the recording is silence. The bands are
    triangles that overlap by half, equally wide in mel from 0 to half the sample rate. Each
    value is ``1 + log10(p) / 5`` of the mean power ``p`` in a band, whatever ``hop`` and
    ``window``: a sine of amplitude ``a`` in the middle of a band has ``a ** 2 / 2`` if the window
    is long enough to tell it from the neighbours. Silence is -1, which stands for ``1e-10`` and
    less, and a power of 1 is 1: logarithms as they are would saturate the gates of a network.

    Args:
        waveform: ``(time,)``, float in [-1, 1].
        sample_rate: Values per second.
        hop: Values per frame.
        num_bands: Number of bands.
        window: Values each frame is measured on, weighted by a Hann window; at least ``hop``,
            and ``4 * hop`` if not given.

    Shapes:
        ``(ceil(time / hop), num_bands)``, float32, finite.

    Raises:
        ValueError: If the waveform is empty, has another shape or is not floats in [-1, 1], a
            number is out of range, or the window is too short to tell the bands apart.

    Source:
        Davis and Mermelstein (1980), "Comparison of parametric representations for
        monosyllabic word recognition", IEEE ASSP 28(4); mel scale of O'Shaughnessy (1987),
        "Speech Communication: Human and Machine", ``2595 log10(1 + f / 700)``.
    """
    window = 4 * hop if window is None else window
    if hop < 1 or num_bands < 1 or sample_rate < 1 or window < hop:
        raise ValueError(
            "hop, num_bands and sample_rate must be at least 1 and window at least hop; "
            f"received {hop}, {num_bands}, {sample_rate} and {window}."
        )
    waveform = check_waveform(waveform)
    if waveform.ndim != 1 or not waveform.size:
        raise ValueError(
            f"A waveform must have shape (time,) and at least one value; received shape "
            f"{waveform.shape}."
        )
    fft_size = 1 << (window - 1).bit_length()
    filters = _mel_filters(sample_rate, fft_size, num_bands)
    is_empty = ~filters.any(axis=0)
    if is_empty.any():
        raise ValueError(
            f"A window of {window} values is too short to tell {num_bands} bands apart at "
            f"{sample_rate} values a second: {np.count_nonzero(is_empty)} hold no frequency. Give "
            "a longer window or fewer bands."
        )
    num_frames = -(-len(waveform) // hop)
    before = window // 2 - hop // 2
    padded = np.zeros((num_frames - 1) * hop + window)
    some = waveform[: len(padded) - before]
    padded[before : before + len(some)] = some
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    weights = np.hanning(window + 2)[1:-1]
    # One side of the spectrum stands for both, hence twice; Parseval's theorem has the rest.
    power = 2 * np.abs(np.fft.rfft(frames * weights, fft_size)) ** 2
    power /= fft_size * np.sum(weights**2)
    bels = np.log10(np.maximum(power @ filters, _FLOOR))
    return (1.0 + bels / 5.0).astype(np.float32)


def _mel_filters(sample_rate: int, fft_size: int, num_bands: int) -> np.ndarray:
    """Weigh the frequencies of a spectrum: ``(fft_size // 2 + 1, num_bands)``, peaks of 1."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, num_bands + 2) / 2595) - 1)
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    frequencies = np.fft.rfftfreq(fft_size, 1 / sample_rate)[:, None]
    rising = (frequencies - low) / (middle - low)
    falling = (high - frequencies) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))
