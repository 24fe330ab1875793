"""Conditions by name: a digit and a speaker instead of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from absl import app, flags

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.cli.model_folder import ModelFolder

__all__ = ["define_label_flags", "named_condition"]

# A label that may be left out, and what it is then.
_DEFAULTS = {"speaker": 0}
_FLAGS = ("digit", "speaker")


def define_label_flags(values: flags.FlagValues) -> None:
    """Define the labels of the data sets, each as a flag."""
    flags.DEFINE_string(
        "digit",
        None,
        "Sound: which digit is said, for models conditioned on it. With --speaker the readable "
        "form of --condition 7,1.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "speaker",
        None,
        "Sound: who says it, a name such as jackson or its number; the first speaker if not given.",
        flag_values=values,
    )


def named_condition(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> np.ndarray | None:
    """Return the class ids that the labels on the command line name.

    Args:
        values: Flags.
        folder: Whose labels are meant.
        condition: What --condition says, which takes the place of the labels.

    Raises:
        absl.app.UsageError: If a label is not one of the model, is missing, or has an unknown
            value.
    """
    import numpy as np

    given = {name: values[name].value for name in _FLAGS if values[name].value is not None}
    if condition is not None:
        if given:
            raise app.UsageError(f"give --condition or --{next(iter(given))}, not both.")
        return condition
    for name in given:
        if name not in folder.class_names:
            raise app.UsageError(
                f"{folder.name} is not conditioned on a label that its folder calls {name}; if it "
                "has classes at all, give them by their numbers: --condition."
            )
    if not folder.class_names:
        return None
    return np.asarray([_index(name, given, folder.class_names) for name in folder.class_names])


def _index(label: str, given: Mapping[str, str], class_names: Mapping[str, tuple[str, ...]]) -> int:
    names = class_names[label]
    choices = ", ".join(names)
    if label not in given:
        if label not in _DEFAULTS:
            raise app.UsageError(f"--{label} is missing: one of {choices}.")
        return _DEFAULTS[label]
    value = given[label]
    if value in names:
        return names.index(value)
    if value.isdecimal() and int(value) < len(names):
        return int(value)
    raise app.UsageError(f"--{label} is one of {choices}, or its number; got {value!r}.")
