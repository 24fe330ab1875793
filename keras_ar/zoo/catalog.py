"""Find and load the pretrained variants."""

import builtins
import difflib
import json
import os
import pathlib
import tomllib
from typing import Any

from keras_ar.models import AutoregressiveModel
from keras_ar.zoo.preset import load_folder, sha256_of

__all__ = ["describe", "find_folder", "list", "load"]


def _bundled() -> pathlib.Path:
    """Return where the variants lie: inside the installed package, or in the checkout."""
    package = pathlib.Path(__file__).resolve().parent
    installed = package / "bundled"
    return installed if installed.is_dir() else package.parents[1] / "zoo"


def list() -> builtins.list[str]:
    """Return the names of all pretrained variants, sorted.

    Example:
        >>> "pixelcnn_binarized_mnist" in keras_ar.zoo.list()
        True
    """
    return sorted(path.parent.name for path in _bundled().glob("*/model.weights.h5"))


def find_folder(name: str | os.PathLike) -> pathlib.Path:
    """Return the folder of a variant, or of a model folder given by its path.

    Raises:
        ValueError: If there is neither; the message gives the nearest names.
    """
    known = list()
    if str(name) in known:
        return _bundled() / str(name)
    folder = pathlib.Path(name)
    if folder.is_dir():
        return folder
    nearest = difflib.get_close_matches(str(name), known, n=3, cutoff=0.3) or known
    hint = f"Nearest: {', '.join(nearest)}." if nearest else "The zoo is empty."
    raise ValueError(f"There is no variant (and no model folder) {str(name)!r}. {hint}")


def load(name: str | os.PathLike) -> AutoregressiveModel:
    """Load a pretrained model; needs no network.

    Args:
        name: A name from ``list()``, or the path of a model folder.

    Returns:
        The model with its weights. Call ``compile("adam")`` to fine-tune it.

    Raises:
        ValueError: If the name is unknown, or the weights are not the ones that the folder's
            ``metadata.json`` names.
        FileNotFoundError: If the folder is incomplete.

    Example:
        >>> model = keras_ar.zoo.load("pixelcnn_binarized_mnist")
        >>> model.image_shape
        (28, 28, 1)
    """
    folder = find_folder(name)
    expected = _read(folder / "metadata.json").get("weights_sha256")
    weights = folder / "model.weights.h5"
    if expected and weights.is_file() and sha256_of(weights) != expected:
        raise ValueError(
            f"{weights} is not the file that metadata.json names (another sha256): it was damaged "
            "or exchanged. Get the folder again, or write it with keras_ar.zoo.save."
        )
    return load_folder(folder)


def describe(name: str | os.PathLike) -> dict[str, Any]:
    """Return what is known of a variant: model, data, result, training and paper.

    Raises:
        ValueError: If the name is unknown.
    """
    folder = find_folder(name)
    metadata, results = _read(folder / "metadata.json"), _read(folder / "results.json")
    config = _read(folder / "config.json")
    training = metadata.get("training", {})
    return {
        "variant": metadata.get("variant", folder.name),
        "model_class": config.get("class_name"),
        "summary": _card(folder).get("summary"),
        "paper": _card(folder).get("citation"),
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
    }


def _card(folder: pathlib.Path) -> dict[str, Any]:
    path = folder / "recipe.toml"
    return tomllib.loads(path.read_text()).get("card", {}) if path.is_file() else {}


def _read(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}
