"""The Free Spoken Digit Dataset: who says what in which split."""

import os
import re

import numpy as np

from keras_ar.data.catalog import SPOKEN_DIGIT_SPEAKERS, AudioDataset, find_record
from keras_ar.data.splits import parse_splits
from keras_ar.data.tfds_split import open_split, prepare_data

_INDICES = {"train": range(10, 50), "validation": range(5, 10), "test": range(5)}
_FILE_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)(\.wav)?")
_NAME = "spoken_digit"


def read_spoken_digit(
    split: str,
    *,
    limit: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Read the recordings of one or several splits as waveforms.

    TensorFlow Datasets has a single split and says which recording is which by the names of
    the files, ``7_jackson_32.wav``. The index at the end decides: 0 to 4 are the official test
    recordings; of the official training recordings, 5 to 9 are ``validation`` here and 10 to 49
    ``train``. They come in the order of index, digit and speaker, so that the first ones are
    of all digits and speakers.

    Args:
        split: ``"train"``, ``"validation"``, ``"test"``, or several joined by ``+``.
        limit: Keep only the first so many.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Shapes:
        Waveforms: ``(time,)`` each, float32 in [-1, 1).
        Labels: ``(number, 2)``, int32: digit and index in ``SPOKEN_DIGIT_SPEAKERS``.

    Raises:
        ValueError: If the split is unknown, or the data are not what is recorded here: in
            their names, their sample rate or their range.
        RuntimeError: If the data set is not prepared and cannot be downloaded.

    Source:
        Jackson et al., "Free Spoken Digit Dataset", github.com/Jakobovski: the readme's
        division into training and test recordings.
    """
    record = find_record(_NAME, AudioDataset)
    parts = parse_splits(split, record.splits, f"The data set {_NAME!r}")
    indices = {index for part in parts for index in _INDICES[part]}
    builder = prepare_data(_NAME, data_dir)
    rate = builder.info.features["audio"].sample_rate
    if rate != record.sample_rate:
        raise ValueError(
            f"The data set {_NAME!r} in {builder.data_dir} has {rate} samples a second, not "
            f"{record.sample_rate}."
        )
    found = {}
    for example in open_split(builder, "train").as_numpy_iterator():
        key = _key_of(example["audio/filename"].decode(), int(example["label"]))
        if key[0] in indices:
            found[key] = _to_waveform(example["audio"])
    keys = sorted(found)[:limit]
    labels = np.array([key[1:] for key in keys], np.int32).reshape(-1, 2)
    return [found[key] for key in keys], labels


def _key_of(file_name: str, label: int) -> tuple[int, int, int]:
    """Say which recording a file is: index, digit, speaker."""
    match = _FILE_NAME.fullmatch(file_name)
    if (
        match is None
        or int(match["digit"]) != label
        or match["speaker"] not in SPOKEN_DIGIT_SPEAKERS
    ):
        raise ValueError(
            f"The data set {_NAME!r} holds {file_name!r} with the label {label}, which is not a "
            "known speaker's recording of that digit."
        )
    return int(match["index"]), label, SPOKEN_DIGIT_SPEAKERS.index(match["speaker"])


def _to_waveform(samples: np.ndarray) -> np.ndarray:
    if samples.size and not (samples.min() >= -32768 and samples.max() < 32768):
        raise ValueError(f"The data set {_NAME!r} holds samples of more than 16 bits.")
    return samples.astype(np.float32) / 32768
