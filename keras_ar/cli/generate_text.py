"""How ``keras-ar sample`` and ``complete`` draw text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import drawing_options, file_path

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.cli.model_folder import ModelFolder

__all__ = ["complete_text", "sample_text"]

_LENGTH = 500
# A reader is shown so many characters at a time.
_AT_ONCE = 16


def sample_text(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Print a text while it is drawn."""
    output = None if values.output is None else file_path(values.output)
    prompt = _encode_prompt(values.prompt or "", folder)
    import numpy as np

    from keras_ar import zoo

    model = zoo.load(folder.name)
    model.sampler.chunk = _AT_ONCE
    length = len(prompt) + (values.length or _LENGTH)
    shown = len(prompt)
    print(values.prompt or "", end="", flush=True)

    def show(time: int, codes: np.ndarray) -> None:
        nonlocal shown
        print(folder.vocabulary.decode(codes[0, shown:time]), end="", flush=True)
        shown = time

    codes = model.complete(
        np.pad(prompt, (0, length - len(prompt)))[None],
        np.arange(length) < len(prompt),
        condition=condition,
        callback=show,
        verbose=False,  # The text itself is the progress.
        **drawing_options(values),
    )
    print()
    if output is not None:
        output.write_bytes(folder.vocabulary.decode(codes[0]).encode())


def complete_text(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Continue a text."""
    if not values.prompt:
        raise app.UsageError("say what to continue: --prompt.")
    sample_text(values, folder, condition)


def _encode_prompt(prompt: str, folder: ModelFolder) -> np.ndarray:
    try:
        return folder.vocabulary.encode(prompt)
    except ValueError as error:
        characters = folder.vocabulary.characters
        raise ValueError(f"--prompt: {error} It has {characters!r}.") from None
