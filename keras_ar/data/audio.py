"""Recordings as padded codes: a public data set, or a folder of the user's own files."""

import os
from pathlib import Path

import numpy as np

from keras_ar.data.catalog import DATASETS, AudioDataset, find_record
from keras_ar.data.linear_pcm import LINEAR_LEVELS, linear_decode, linear_encode
from keras_ar.data.mu_law import check_levels, mu_law_decode, mu_law_encode
from keras_ar.data.padding import pad_sequences
from keras_ar.data.splits import check_limit
from keras_ar.data.spoken_digit import read_spoken_digit
from keras_ar.data.wav import read_wav


def load_audio(
    source: str | os.PathLike[str],
    split: str = "train",
    *,
    sample_rate: int | None = None,
    levels: int = 256,
    labels: bool = False,
    limit: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Load recordings into memory as codes, in a fixed order and as loud as they are.

    Of ``"spoken_digit"``, the official test recordings are ``test`` (index 0 to 4 of each
    digit and speaker), and its training recordings are divided into ``validation`` (5 to 9) and
    ``train`` (10 to 49); they come in the order of index, digit and speaker. Version 1.0.9,
    which TensorFlow Datasets downloads, has 2,500 recordings of five speakers; version 1.0.10
    has 3,000, the sixth speaker being lucas.

    A folder's files come in the order of their names. The folder is the split ``"train"``,
    unless it has a subfolder of the split's name, which is read instead.

    Args:
        source: A name of ``DATASETS`` that holds audio, or a folder of WAV files (a ``Path``
            where its name is that of a data set) as ``read_wav`` reads them.
        split: One split, or of a data set several joined by ``+``.
        sample_rate: Values per second the recordings must have. ``None`` takes those of the
            data set, and any that all files of a folder share.
        levels: Number of codes: 65536 keeps the 16 bits (``linear_encode``), fewer are those
            of ``mu_law_encode``.
        labels: Also return the labels of a data set.
        limit: Keep only the first so many recordings.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Shapes:
        Codes: ``(number, time)`` as wide as the longest recording, with -1 behind the end of
            the others (``PADDING``); int16 up to 32768 levels, else int32.
        Labels: ``(number, 2)``, int32; of ``"spoken_digit"`` the digit and the speaker's index
            in ``SPOKEN_DIGIT_SPEAKERS``.

    Raises:
        ValueError: If the source or the split is unknown, the sample rate is another, a file
            cannot be read, a folder has no files or is asked for labels, or a number is out of
            range.
        RuntimeError: If a data set is not prepared and cannot be downloaded.
    """
    check_levels(levels)
    check_limit(limit)
    if isinstance(source, str) and source in DATASETS:
        record = find_record(source, AudioDataset)
        if sample_rate not in (None, record.sample_rate):
            raise ValueError(
                f"The data set {source!r} has {record.sample_rate} samples a second, not "
                f"{sample_rate}."
            )
        waveforms, classes = read_spoken_digit(split, limit=limit, data_dir=data_dir)
        codes = pad_sequences([encode_audio(waveform, levels) for waveform in waveforms])
        return (codes, classes) if labels else codes
    if labels:
        raise ValueError(f"A folder has no labels; received labels=True with {source}.")
    codes, rates = [], []
    for file in _find_wav_files(source, split)[:limit]:
        waveform, rate = read_wav(file, sample_rate)
        codes.append(encode_audio(waveform, levels))
        rates.append(rate)
        if rate != rates[0]:
            raise ValueError(
                f"{file} has {rate} samples a second where the files before it have {rates[0]}: "
                "resample them to one rate."
            )
    return pad_sequences(codes)


def encode_audio(waveform: np.ndarray, levels: int = 256) -> np.ndarray:
    """Turn a waveform into the codes that a model of so many levels is trained on.

    Args:
        waveform: Any shape, float in [-1, 1].
        levels: Number of codes: 65536 keeps the 16 bits (``linear_encode``), fewer are those of
            ``mu_law_encode``.

    Raises:
        ValueError: If the waveform is not floats in [-1, 1], or ``levels`` is out of range.
    """
    return linear_encode(waveform) if levels == LINEAR_LEVELS else mu_law_encode(waveform, levels)


def decode_audio(codes: np.ndarray, levels: int = 256) -> np.ndarray:
    """Turn codes into a waveform, as ``encode_audio`` made them of one.

    Args:
        codes: Integers ``0..levels-1``.
        levels: Number of codes.

    Shapes:
        As given, float32 in [-1, 1].

    Raises:
        ValueError: If a code is out of range.
    """
    return linear_decode(codes) if levels == LINEAR_LEVELS else mu_law_decode(codes, levels)


def sample_rate_of(source: str | os.PathLike[str], split: str = "train") -> int:
    """Look up the sample rate of recordings without reading them all.

    Args:
        source: As for ``load_audio``.
        split: As for ``load_audio``; of a folder the first file is looked at.

    Raises:
        ValueError: If the source holds no audio, or its first file cannot be read.
    """
    if isinstance(source, str) and source in DATASETS:
        return find_record(source, AudioDataset).sample_rate
    return read_wav(_find_wav_files(source, split)[0])[1]


def _find_wav_files(source: str | os.PathLike[str], split: str) -> list[Path]:
    folder = Path(source)
    if not folder.is_dir():
        raise ValueError(f"{folder} is neither a folder nor a data set of audio.")
    if (folder / split).is_dir():
        folder = folder / split
    elif split != "train":
        raise ValueError(f"{folder} has no subfolder {split!r} for that split.")
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() == ".wav" and not file.name.startswith(".")
    )
    if not files:
        raise ValueError(f"The folder {folder} has no .wav files.")
    return files
