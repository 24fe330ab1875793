"""Find, load and describe models by name."""

import builtins
import dataclasses
import os
import pathlib
import tomllib
from typing import Any

from keras_ar.data import Vocabulary
from keras_ar.models import AutoregressiveModel
from keras_ar.zoo.assets import read_vocabulary
from keras_ar.zoo.location import locate
from keras_ar.zoo.model_files import CONFIG, METADATA, read_json
from keras_ar.zoo.preset import load_folder
from keras_ar.zoo.registry import REGISTRY
from keras_ar.zoo.verification import verify

__all__ = ["describe", "find_folder", "list", "load", "load_vocabulary"]


def list() -> builtins.list[str]:
    """Return the names of all pretrained variants, sorted.

    Example:
        >>> "pixelcnn_binarized_mnist" in keras_ar.zoo.list()
        True
    """
    return sorted(REGISTRY)


def find_folder(name: str | os.PathLike) -> pathlib.Path:
    """Return the folder of a model, downloaded if need be; its hashes are not checked.

    Args:
        name: As in ``load``.

    Raises:
        ValueError: If there is no such model; the message gives the nearest names.
        OSError: If it cannot be downloaded.
    """
    return locate(name).folder


def load(name: str | os.PathLike) -> AutoregressiveModel:
    """Load a pretrained model.

    A path leads to that folder. A name from ``list()`` leads to the folder in the package, else
    to the Hub's cache, else to a download of the commit that the registry names.
    ``hf://organisation/name``, with ``@revision`` if wanted, leads to any model on the Hub that
    ``keras_ar.zoo.publish`` or ``keras.saving.save_model`` put there. The hash of the weights is
    checked each time.

    Args:
        name: One of the three.

    Returns:
        The model with its weights. Call ``compile("adam")`` to fine-tune it.

    Raises:
        ValueError: If the name is unknown, the files are not the ones they should be, or they
            hold something other than a model of keras_ar.
        FileNotFoundError: If the folder is incomplete, or the Hub has no such repository.
        OSError: If the model cannot be downloaded: ``ConnectionError``, ``TimeoutError`` or
            ``PermissionError``.

    Example:
        >>> model = keras_ar.zoo.load("pixelcnn_binarized_mnist")
        >>> model.image_shape
        (28, 28, 1)
    """
    location = locate(name)
    verify(location)
    return load_folder(location.folder, is_known=location.variant is not None)


def load_vocabulary(name: str | os.PathLike) -> Vocabulary:
    """Load the characters of a model of text, by which its codes are read.

    Args:
        name: As in ``load``.

    Raises:
        ValueError: If the model is none of text, its vocabulary is not the one that was trained
            with, or there is no such model.
        OSError: If it cannot be downloaded.

    Example:
        >>> vocabulary = keras_ar.zoo.load_vocabulary("charrnn_tiny_shakespeare")
        >>> vocabulary.decode(vocabulary.encode("To be"))
        'To be'
    """
    vocabulary = read_vocabulary(find_folder(name))
    if vocabulary is None:
        raise ValueError(f"{os.fspath(name)} is no model of text: it has no vocabulary.")
    return vocabulary


def describe(name: str | os.PathLike) -> dict[str, Any]:
    """Return what is known of a model: class, data, result, training and paper.

    A registered name is never downloaded for that: what the registry knows has to do then.

    Args:
        name: As in ``load``.

    Raises:
        ValueError: If the name is unknown.
    """
    location = locate(name, may_download=False)
    if location is None:
        record = dataclasses.asdict(REGISTRY[os.fspath(name)])
        return {"variant": record.pop("name"), **record, "folder": None}
    folder, variant = location.folder, location.variant
    metadata, results = _read(folder / METADATA), _read(folder / "results.json")
    config = _read(folder / CONFIG)
    training = metadata.get("training", {})
    return {
        "variant": metadata.get("variant", folder.name),
        "model_class": config.get("class_name"),
        "summary": _card(folder).get("summary"),
        "paper": _card(folder).get("citation"),
        "license": variant.license if variant else None,
        "parameters": metadata.get("parameter_count"),
        "dataset": results.get("dataset"),
        "split": results.get("split"),
        "metric": results.get("metric"),
        "value": results.get("value"),
        "num_examples": results.get("num_examples"),
        "trained_on": training.get("hardware"),
        "training_minutes": training.get("minutes"),
        "images_seen": training.get("images_seen"),
        "config": config.get("config"),
        "folder": str(folder),
        "published": _address(variant) if variant else None,
    }


def _address(variant) -> str:
    if not variant.is_published:
        return "not yet; the folder in the package is used"
    return f"hf://{variant.repo_id}@{variant.revision}"


def _card(folder: pathlib.Path) -> dict[str, Any]:
    path = folder / "recipe.toml"
    return tomllib.loads(path.read_text()).get("card", {}) if path.is_file() else {}


def _read(path: pathlib.Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
