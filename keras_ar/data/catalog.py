"""The public data sets the zoo is trained and measured on."""

import dataclasses
import difflib
from typing import ClassVar, TypeVar


@dataclasses.dataclass(frozen=True)
class ImageDataset:
    """Describe a public image data set.

    Args:
        name: Name in TensorFlow Datasets.
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 means pixels are 0 or 1.
        num_classes: Number of class labels, or ``None`` for a set without labels.
        splits: Names of the splits.
        binarization: How binary pixels came about, by which numbers are compared.
    """

    kind: ClassVar[str] = "images"
    loader: ClassVar[str] = "load_images"

    name: str
    image_shape: tuple[int, int, int]
    levels: int
    num_classes: int | None
    splits: tuple[str, ...]
    binarization: str | None = None


@dataclasses.dataclass(frozen=True)
class AudioDataset:
    """Describe a public set of recordings of one channel and 16 bits.

    Args:
        name: Name in TensorFlow Datasets.
        sample_rate: Values per second.
        labels: What each column of the labels says.
        class_names: Names of the values of each label, in the order of their numbers.
        splits: Names of the splits as ``load_audio`` takes them.
    """

    kind: ClassVar[str] = "audio"
    loader: ClassVar[str] = "load_audio"

    name: str
    sample_rate: int
    labels: tuple[str, ...]
    class_names: tuple[tuple[str, ...], ...]
    splits: tuple[str, ...]

    @property
    def num_classes(self) -> tuple[int, ...]:
        """Number of values of each label."""
        return tuple(map(len, self.class_names))


@dataclasses.dataclass(frozen=True)
class TextDataset:
    """Describe a public text.

    Args:
        name: Name in TensorFlow Datasets.
        num_characters: Number of different characters in all splits together, each of which
            is in the training split too.
        splits: Names of the splits.
    """

    kind: ClassVar[str] = "text"
    loader: ClassVar[str] = "load_text"

    name: str
    num_characters: int
    splits: tuple[str, ...]


Dataset = ImageDataset | AudioDataset | TextDataset
_Kind = TypeVar("_Kind", ImageDataset, AudioDataset, TextDataset)
_PARTS = ("train", "validation", "test")

SPOKEN_DIGIT_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
"""The speakers of ``"spoken_digit"`` in the order of their labels."""

_RECORDS = (
    ImageDataset("cifar10", (32, 32, 3), 256, 10, ("train", "test")),
    ImageDataset("mnist", (28, 28, 1), 256, 10, ("train", "test")),
    ImageDataset(
        "binarized_mnist",
        (28, 28, 1),
        2,
        None,
        _PARTS,
        binarization="static (Larochelle and Murray, 2011)",
    ),
    ImageDataset("downsampled_imagenet/32x32", (32, 32, 3), 256, None, ("train", "validation")),
    ImageDataset("downsampled_imagenet/64x64", (64, 64, 3), 256, None, ("train", "validation")),
    AudioDataset(
        "spoken_digit",
        8000,
        ("digit", "speaker"),
        (tuple("0123456789"), SPOKEN_DIGIT_SPEAKERS),
        _PARTS,
    ),
    TextDataset("tiny_shakespeare", 65, _PARTS),
)

DATASETS: dict[str, Dataset] = {record.name: record for record in _RECORDS}


def dataset_info(name: str) -> Dataset:
    """Look up what is known about a data set without loading it.

    Args:
        name: One of ``DATASETS``.

    Raises:
        ValueError: If the name is unknown; the message offers the nearest ones.

    Example:
        >>> dataset_info("cifar10").image_shape
        (32, 32, 3)
    """
    if name in DATASETS:
        return DATASETS[name]
    raise ValueError(f"Unknown data set {name!r}. Did you mean {nearest_datasets(name)}?")


def find_record(name: str, kind: type[_Kind]) -> _Kind:
    """Look up a data set that must be of one kind.

    Args:
        name: One of ``DATASETS``.
        kind: ``ImageDataset``, ``AudioDataset`` or ``TextDataset``.

    Raises:
        ValueError: If the name is unknown or the set of another kind; the message names what
            loads it.
    """
    record = dataset_info(name)
    if not isinstance(record, kind):
        raise ValueError(
            f"The data set {name!r} holds {record.kind}, not {kind.kind}: load it with "
            f"keras_ar.data.{record.loader}."
        )
    return record


def nearest_datasets(name: str) -> str:
    """Spell out the data sets whose names resemble a mistaken one, or all if none does.

    Args:
        name: The mistaken name.

    Example:
        >>> nearest_datasets("cifar")
        "'cifar10'"
    """
    nearest = difflib.get_close_matches(name, DATASETS, cutoff=0.4) or sorted(DATASETS)
    return " or ".join(map(repr, nearest))
