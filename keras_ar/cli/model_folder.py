"""What a model folder tells about its model before the model is built."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_ar.data import Vocabulary

__all__ = ["ModelFolder", "open_folder"]


@dataclasses.dataclass(frozen=True)
class ModelFolder:
    """A model that has a name and is not loaded yet.

    Args:
        name: As the user typed it.
        path: The folder.
        kind: What the model makes: ``"images"``, ``"sound"`` or ``"text"``; ``"sequences"`` if
            the folder does not tell what the codes of its sequences stand for.
        sample_rate: Values of sound per second.
        vocabulary: The characters of text.
        class_names: Names of the values of each label that the model is conditioned on, by the
            name of the label; empty if the data of its recipe name none.
    """

    name: str
    path: pathlib.Path
    kind: str
    sample_rate: int | None = None
    vocabulary: Vocabulary | None = None
    class_names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def open_folder(name: str) -> ModelFolder:
    """Find a model and what it makes, downloaded if need be.

    Raises:
        ValueError: If there is no such model, or its folder is damaged.
        OSError: If it cannot be downloaded.
    """
    from keras_ar import zoo
    from keras_ar.zoo.assets import read_vocabulary
    from keras_ar.zoo.model_files import CONFIG, METADATA

    path = zoo.find_folder(name)
    if not _is_sequential(_read(path / CONFIG).get("class_name")):
        return ModelFolder(name, path, "images")
    vocabulary = read_vocabulary(path)
    if vocabulary is not None:
        return ModelFolder(name, path, "text", vocabulary=vocabulary)
    rate = _read(path / METADATA).get("sample_rate")
    if rate is None:
        return ModelFolder(name, path, "sequences")
    if not isinstance(rate, int) or rate < 1:
        raise ValueError(f"{path / METADATA} names a sample rate of {rate!r}.")
    return ModelFolder(name, path, "sound", rate, class_names=_class_names(path))


def _is_sequential(class_name: Any) -> bool:
    from keras_ar import models
    from keras_ar.models.sequence_model import SequenceModel

    found = getattr(models, class_name, None) if isinstance(class_name, str) else None
    return isinstance(found, type) and issubclass(found, SequenceModel)


def _class_names(folder: pathlib.Path) -> dict[str, tuple[str, ...]]:
    """Name the classes of a model that was trained on all labels of a public data set."""
    from keras_ar.data import DATASETS, AudioDataset
    from keras_ar.training import read_recipe

    if not (folder / "recipe.toml").is_file():
        return {}
    recipe = read_recipe(folder)
    record = DATASETS.get(recipe.data.name)
    if not recipe.data.labels or not isinstance(record, AudioDataset):
        return {}
    return dict(zip(record.labels, record.class_names, strict=True))


def _read(path: pathlib.Path) -> dict[str, Any]:
    from keras_ar.zoo.model_files import read_json

    return read_json(path) if path.is_file() else {}
