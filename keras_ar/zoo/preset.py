"""A model as a folder: the layout that Keras, the Hub and this zoo all read."""

import json
import math
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

import keras

from keras_ar.models import AutoregressiveModel
from keras_ar.version import __version__
from keras_ar.zoo.blueprint import build_model, check_size, find_class
from keras_ar.zoo.model_files import CONFIG, METADATA, find_file, read_json, sha256_of
from keras_ar.zoo.weights_files import (
    WEIGHTS,
    count_weights,
    find_weights,
    names_weights,
    weights_names,
)
from keras_ar.zoo.weights_writer import check_shard_size, split_weights, store_as_float16

__all__ = ["load_folder", "save"]


def save(
    model: AutoregressiveModel,
    folder: str | os.PathLike,
    *,
    metadata: Mapping[str, Any] | None = None,
    float16: bool = False,
    shard_megabytes: float | None = None,
) -> pathlib.Path:
    """Write a model as a folder that ``zoo.load`` and ``keras.saving.load_model`` read.

    Writes ``config.json``, ``model.weights.h5`` and ``metadata.json``; other files in the folder
    are left alone. All are written aside first, so a crash while they are made leaves the old
    ones.

    Where single files may not be large, the weights can be divided: ``model_00000.weights.h5``,
    ``model_00001.weights.h5`` and so on, and an index of them, ``model.weights.json``, that holds
    their hashes. All of keras_ar reads such a folder like any other; of Keras
    ``model.load_weights(folder / "model.weights.json")`` does, and ``keras.saving.load_model``
    does not. A folder holds one of the two layouts: what is left of the other is removed.

    Args:
        model: Any model of keras_ar, compiled or not; the optimizer is not saved.
        folder: Made if it does not exist.
        metadata: More facts for ``metadata.json``.
        float16: Whether to store the weights in half the space. Evaluate the model again
            afterwards: what is published is what was stored.
        shard_megabytes: The most that a file of weights may have, in megabytes of 1,000,000
            bytes and as it is stored; one file of any size if not given. An array is not
            divided, so the largest one must fit.

    Returns:
        The folder.

    Raises:
        OSError: If the folder cannot be written.
        ValueError: If a weight does not fit into float16, or an array into a shard.
    """
    folder = pathlib.Path(folder)
    if shard_megabytes is not None:
        check_shard_size(model, shard_megabytes, float16=float16)
    folder.mkdir(parents=True, exist_ok=True)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    config.pop("build_config", None)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as aside:
        aside = pathlib.Path(aside)
        weights = aside / WEIGHTS
        # Keras would write the optimizer of a compiled model into the same file.
        bare = type(model).from_config(model.get_config())
        bare.set_weights(model.get_weights())
        bare.save_weights(weights)
        if float16:
            store_as_float16(weights)
        if shard_megabytes is not None:
            weights = split_weights(weights, shard_megabytes)
        names = weights_names(aside)
        facts = {
            "keras_version": keras.__version__,
            "keras_ar_version": __version__,
            # Trained ones: masks and degrees are no parameters.
            "parameter_count": sum(math.prod(v.shape) for v in model.trainable_variables),
            "weights_file": weights.name,
            "weights_sha256": sha256_of(weights),
            "weights_dtype": "float16" if float16 else "float32",
            **(metadata or {}),
        }
        for name, content in ((CONFIG, config), (METADATA, facts)):
            (aside / name).write_text(json.dumps(content, indent=2) + "\n")
        for name in (*names, CONFIG, METADATA):
            shutil.move(aside / name, folder / name)
    # Last, so that the old weights are there until the new ones are.
    for path in folder.iterdir():
        if names_weights(path.name) and path.name not in names:
            path.unlink()
    return folder


def load_folder(folder: str | os.PathLike, *, is_known: bool = False) -> AutoregressiveModel:
    """Load a model from a folder that ``save`` wrote, whoever sent it.

    Nothing in the folder is executed, no class is imported by name, and before anything is built
    the network of ``config.json`` is compared in size with the weights beside it.

    Args:
        folder: The folder.
        is_known: Whether the hashes of config and weights have been found to be those of the
            registry; the sizes need no look then.

    Raises:
        FileNotFoundError: If the folder, its config or a file of its weights is missing.
        ValueError: If it holds something other than a model of keras_ar, or the weights do not
            fit it.
    """
    folder = pathlib.Path(folder)
    config_path, weights = find_file(folder, CONFIG), find_weights(folder)
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
