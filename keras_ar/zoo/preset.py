"""A model as a folder: the layout that Keras, the Hub and this zoo all read."""

import hashlib
import json
import math
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

import h5py
import keras
import numpy as np

from keras_ar.models import AutoregressiveModel
from keras_ar.version import __version__
from keras_ar.zoo.blueprint import build_model, check_size, find_class
from keras_ar.zoo.model_files import (
    CONFIG,
    METADATA,
    WEIGHTS,
    count_weights,
    find_file,
    read_json,
)

__all__ = ["load_folder", "save", "sha256_of"]


def sha256_of(path: pathlib.Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _store_as_float16(path: pathlib.Path) -> None:
    """Rewrite every float32 data set of a weights file as float16; Keras widens it on loading."""
    aside = path.with_suffix(".float16")
    with h5py.File(path, "r") as source, h5py.File(aside, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype == np.float32:
                values = values.astype(np.float16)
                if not np.all(np.isfinite(values)):
                    raise ValueError(f"{name} does not fit into float16: save with float32.")
            target.create_dataset(name, data=values).attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    os.replace(aside, path)


def save(
    model: AutoregressiveModel,
    folder: str | os.PathLike,
    *,
    metadata: Mapping[str, Any] | None = None,
    float16: bool = False,
) -> pathlib.Path:
    """Write a model as a folder that ``zoo.load`` and ``keras.saving.load_model`` read.

    Writes ``config.json``, ``model.weights.h5`` and ``metadata.json``; other files in the folder
    are left alone. All three are written aside first, so a crash leaves the old ones.

    Args:
        model: Any model of keras_ar, compiled or not; the optimizer is not saved.
        folder: Made if it does not exist.
        metadata: More facts for ``metadata.json``.
        float16: Whether to store the weights in half the space. Evaluate the model again
            afterwards: what is published is what was stored.

    Returns:
        The folder.

    Raises:
        OSError: If the folder cannot be written.
        ValueError: If a weight does not fit into float16.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    config.pop("build_config", None)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as aside:
        weights = pathlib.Path(aside) / WEIGHTS
        # Keras would write the optimizer of a compiled model into the same file.
        bare = type(model).from_config(model.get_config())
        bare.set_weights(model.get_weights())
        bare.save_weights(weights)
        if float16:
            _store_as_float16(weights)
        facts = {
            "keras_version": keras.__version__,
            "keras_ar_version": __version__,
            # Trained ones: masks and degrees are no parameters.
            "parameter_count": sum(math.prod(v.shape) for v in model.trainable_variables),
            "weights_sha256": sha256_of(weights),
            "weights_dtype": "float16" if float16 else "float32",
            **(metadata or {}),
        }
        for name, content in ((CONFIG, config), (METADATA, facts)):
            (pathlib.Path(aside) / name).write_text(json.dumps(content, indent=2) + "\n")
        for name in (WEIGHTS, CONFIG, METADATA):
            shutil.move(pathlib.Path(aside) / name, folder / name)
    return folder


def load_folder(folder: str | os.PathLike, *, is_known: bool = False) -> AutoregressiveModel:
    """Load a model from a folder that ``save`` wrote, whoever sent it.

    Nothing in the folder is executed, no class is imported by name, and before anything is built
    the network of ``config.json`` is compared in size with the weights beside it.

    Args:
        folder: The folder.
        is_known: Whether the hashes of both files have been found to be those of the registry;
            the sizes need no look then.

    Raises:
        FileNotFoundError: If the folder or one of its two essential files is missing.
        ValueError: If it holds something other than a model of keras_ar, or the weights do not
            fit it.
    """
    folder = pathlib.Path(folder)
    config_path, weights = find_file(folder, CONFIG), find_file(folder, WEIGHTS)
    config = read_json(config_path)
    model_class = find_class(config, config_path)
    if not is_known:
        check_size(model_class, config["config"], count_weights(weights), config_path)
    model = build_model(model_class, config["config"], config_path)
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers for which it found nothing, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(weights)
    except (KeyError, OSError, RuntimeError, TypeError, UserWarning, ValueError) as error:
        raise ValueError(
            f"{weights} does not fit the network that {CONFIG} describes: it belongs to another "
            "model, or was written by another version of a layer."
        ) from error
    return model
