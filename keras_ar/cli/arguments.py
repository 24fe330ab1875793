"""What several subcommands take."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from absl import app, flags

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "NAME_HELP",
    "define_drawing_flags",
    "drawing_options",
    "file_path",
    "picture_path",
    "read_condition",
]

NAME_HELP = "NAME is a name that `keras-ar list` prints, or the path of a model folder."


def define_drawing_flags(values: flags.FlagValues) -> None:
    """Define what all ways of drawing take."""
    flags.DEFINE_integer(
        "seed", 0, "The same seed draws the same again.", lower_bound=0, flag_values=values
    )
    flags.DEFINE_float(
        "temperature",
        1.0,
        "Below 1 draws what is more probable and less varied; above 1 the opposite.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "top_k",
        None,
        "Draw every value among so many most likely ones only; for models with a softmax per "
        "value.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_float(
        "top_p",
        None,
        "Draw every value among the most likely ones that together have this probability only.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "condition",
        None,
        "For conditional models: a class id for all (7), one for each (0,1,2), one of each kind "
        "(7,1 for digit and speaker), or a .npy file with an embedding or map.",
        flag_values=values,
    )


def drawing_options(values: flags.FlagValues) -> dict[str, Any]:
    """Return what ``model.sample`` and ``model.complete`` take of these flags."""
    return {name: values[name].value for name in ("seed", "temperature", "top_k", "top_p")}


def read_condition(text: str | None) -> np.ndarray | None:
    """Read the flag --condition: class ids separated by commas, or the name of a .npy file.

    Raises:
        absl.app.UsageError: If it is neither.
        OSError: If the file cannot be read.
    """
    import numpy as np

    if text is None:
        return None
    if text.endswith(".npy"):
        return np.load(text, allow_pickle=False)
    try:
        ids = [int(part) for part in text.split(",")]
    except ValueError:
        raise app.UsageError(
            f"--condition takes class ids such as 7 or 0,1,2, or a .npy file; got {text!r}."
        ) from None
    return np.asarray(ids[0] if len(ids) == 1 else ids, "int32")


def file_path(text: str, suffix: str | None = None) -> pathlib.Path:
    """Return where a file will be written, or say early why it cannot be.

    Raises:
        ValueError: If the name has another suffix than the one that is wanted.
        FileNotFoundError: If its folder does not exist.
        IsADirectoryError: If it is a folder itself.
    """
    path = pathlib.Path(text)
    if suffix is not None and path.suffix.lower() != suffix:
        raise ValueError(f"{text!r} does not end in {suffix}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} for {path.name} does not exist.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it.")
    return path


def picture_path(text: str) -> pathlib.Path:
    """Return where a picture will be written; as ``file_path``, for any format of pictures."""
    import PIL.Image

    known = PIL.Image.registered_extensions()
    if known.get(pathlib.Path(text).suffix.lower()) not in PIL.Image.SAVE:
        raise ValueError(f"{text!r} does not end like a picture's name: use .png.")
    return file_path(text)
