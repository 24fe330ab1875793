"""The state of a training run in one file, written aside and renamed."""

import json
import os
import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

__all__ = ["read_checkpoint", "read_progress", "write_checkpoint"]


def write_checkpoint(
    path: pathlib.Path,
    groups: Mapping[str, Sequence[keras.Variable]],
    progress: Mapping[str, Any],
) -> None:
    """Write variables and progress so that the file is either the old one or the new one.

    Args:
        path: Where to write, an ``.npz`` file.
        groups: Named lists of variables. Values are stored by position, so either backend can
            read what the other one wrote.
        progress: JSON-serialisable facts: the step, the history, the best value so far.
    """
    arrays = {"progress": np.array(json.dumps(dict(progress)))}
    for group, variables in groups.items():
        for index, variable in enumerate(variables):
            arrays[f"{group}/{index}"] = variable.numpy()
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(aside, "wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def read_checkpoint(
    path: pathlib.Path, groups: Mapping[str, Sequence[keras.Variable]]
) -> dict[str, Any]:
    """Assign the stored values to the variables and return the progress.

    Raises:
        ValueError: If the file is damaged or belongs to another model or optimizer; then no
            variable has been changed.
    """
    stored = _read_arrays(path)
    names = {
        f"{group}/{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
    misfits = [
        name
        for name, variable in names.items()
        if name not in stored or stored[name].shape != tuple(variable.shape)
    ]
    if misfits or len(stored) != len(names) + 1:
        raise ValueError(
            f"The checkpoint {path} belongs to another model or optimizer ({len(misfits)} of "
            f"{len(names)} variables do not fit). Use another --work_dir, or the recipe it was "
            "made with."
        )
    for name, variable in names.items():
        variable.assign(stored[name])
    return json.loads(str(stored["progress"]))


def read_progress(path: pathlib.Path) -> dict[str, Any]:
    """Return the progress that a checkpoint holds, and leave its variables unread.

    Raises:
        ValueError: If the file is damaged.
    """
    return json.loads(str(_read_arrays(path, ["progress"])["progress"]))


def _read_arrays(path: pathlib.Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in (names or file.files)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"The checkpoint {path} cannot be read: {error}.") from None
