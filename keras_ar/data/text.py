"""Texts: a public data set, or the user's own file."""

import os
from pathlib import Path

from keras_ar.data.catalog import DATASETS, TextDataset, find_record
from keras_ar.data.splits import parse_splits
from keras_ar.data.tfds_split import open_split, prepare_data

_SPLITS = ("train", "validation", "test")


def load_text(
    source: str | os.PathLike[str],
    split: str = "train",
    *,
    data_dir: str | os.PathLike[str] | None = None,
) -> str:
    """Load a text, or a part of one, as it stands.

    A file is cut by characters: ``train`` is the first 90 per cent, ``validation`` the first
    half of the rest and ``test`` the second, as TensorFlow Datasets cuts
    ``"tiny_shakespeare"``. Line ends are not translated; a byte order mark at the start is
    left out.

    Args:
        source: A name of ``DATASETS`` that holds text, or a UTF-8 text file (a ``Path`` where
            its name is that of a data set).
        split: ``"train"``, ``"validation"``, ``"test"``, or several joined by ``+`` in the
            order in which they are wanted.
        data_dir: Where TensorFlow Datasets keeps its data; its own default if ``None``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the split is unknown, the data set holds no text, the file is not UTF-8,
            or it is too short for the split to hold a character.
        RuntimeError: If a data set is not prepared and cannot be downloaded.

    Source:
        Karpathy (2015), "char-rnn", github.com/karpathy/char-rnn, for the text and the idea
        of cutting it in order; its own fractions are 95, 5 and 0 per cent.
    """
    parts = parse_splits(split, _SPLITS, os.fspath(source))
    if isinstance(source, str) and source in DATASETS:
        find_record(source, TextDataset)
        builder = prepare_data(source, data_dir)
        examples = (e for part in parts for e in open_split(builder, part).as_numpy_iterator())
        return "".join(example["text"].decode() for example in examples)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is neither a text file nor a data set of text.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error
    cut = _cut(text)
    short = [part for part in parts if not cut[part]]
    if short:
        raise ValueError(
            f"{path} has {len(text)} characters, too few for a split {short[0]!r} of its own."
        )
    return "".join(cut[part] for part in parts)


def _cut(text: str) -> dict[str, str]:
    start = int(len(text) * 0.9)
    middle = start + int((len(text) - start) * 0.5)
    return dict(zip(_SPLITS, (text[:start], text[start:middle], text[middle:]), strict=True))
