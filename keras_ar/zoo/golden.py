"""One input and what the model makes of it, kept beside the weights."""

import json
import os
import pathlib

import numpy as np
from keras import ops

from keras_ar.models import AutoregressiveModel
from keras_ar.zoo.model_files import sha256_of

__all__ = ["golden_differences", "write_golden"]


def _outputs(model: AutoregressiveModel, images, condition) -> dict[str, np.ndarray]:
    examples, condition = model._check(images, condition)
    parameters = model.parameters_graph(*model._tensors(examples, condition))
    log_prob = model.log_prob(images, condition)
    return {
        name: ops.convert_to_numpy(x)
        for name, x in {"parameters": parameters, "log_prob": log_prob}.items()
    }


def write_golden(
    model: AutoregressiveModel, folder: str | os.PathLike, images, condition=None
) -> None:
    """Write ``golden.npz`` into a model folder and its hash into ``metadata.json``."""
    folder = pathlib.Path(folder)
    parts = condition if isinstance(condition, tuple) else (condition,)
    names = [given.name for given in model.inputs[1:]]
    arrays = {"images": np.asarray(images)}
    arrays |= {name: np.asarray(part) for name, part in zip(names, parts, strict=False)}
    np.savez_compressed(folder / "golden.npz", **arrays, **_outputs(model, images, condition))
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text()) | {"golden_sha256": sha256_of(folder / "golden.npz")}
    path.write_text(json.dumps(metadata, indent=2) + "\n")


def golden_differences(model: AutoregressiveModel, folder: str | os.PathLike) -> dict[str, float]:
    """Return the largest deviation of parameters and log-probability from ``golden.npz``.

    Raises:
        FileNotFoundError: If the folder has no ``golden.npz``.
    """
    with np.load(pathlib.Path(folder) / "golden.npz", allow_pickle=False) as file:
        golden = dict(file)
    parts = tuple(golden[given.name] for given in model.inputs[1:])
    condition = (parts if len(parts) > 1 else parts[0]) if parts else None
    now = _outputs(model, golden["images"], condition)
    return {name: float(np.max(np.abs(values - golden[name]))) for name, values in now.items()}
