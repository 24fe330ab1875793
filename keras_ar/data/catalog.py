"""The public image data sets the zoo is trained and measured on."""

import dataclasses
import difflib


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

    name: str
    image_shape: tuple[int, int, int]
    levels: int
    num_classes: int | None
    splits: tuple[str, ...]
    binarization: str | None = None


_RECORDS = (
    ImageDataset("cifar10", (32, 32, 3), 256, 10, ("train", "test")),
    ImageDataset("mnist", (28, 28, 1), 256, 10, ("train", "test")),
    ImageDataset(
        "binarized_mnist",
        (28, 28, 1),
        2,
        None,
        ("train", "validation", "test"),
        binarization="static (Larochelle and Murray, 2011)",
    ),
    ImageDataset("downsampled_imagenet/32x32", (32, 32, 3), 256, None, ("train", "validation")),
    ImageDataset("downsampled_imagenet/64x64", (64, 64, 3), 256, None, ("train", "validation")),
)

DATASETS: dict[str, ImageDataset] = {record.name: record for record in _RECORDS}


def dataset_info(name: str) -> ImageDataset:
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
