"""How ``keras-ar sample`` and ``complete`` draw text."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import drawing_options, file_path

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.cli.model_folder import ModelFolder
    from keras_ar.models.sequence_model import SequenceModel

__all__ = ["complete_text", "sample_text"]

_LENGTH = 500
# A reader is shown so many characters at a time.
_AT_ONCE = 16


def sample_text(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Print a text, while it is drawn if it is not searched for."""
    output = None if values.output is None else file_path(values.output)
    if values.beam_width is not None:
        for flag in ("seed", "temperature", "top_k", "top_p"):
            if values[flag].present:
                raise app.UsageError(f"--beam_width draws nothing at random: leave --{flag} out.")
    prompt = _encode_prompt(values.prompt or "", folder)
    from keras_ar import zoo

    model = zoo.load(folder.name)
    make = _stream if values.beam_width is None else _search
    codes = make(values, folder, model, prompt, len(prompt) + (values.length or _LENGTH), condition)
    if output is not None:
        output.write_bytes(folder.vocabulary.decode(codes).encode())


def _stream(
    values: flags.FlagValues,
    folder: ModelFolder,
    model: SequenceModel,
    prompt: np.ndarray,
    length: int,
    condition: np.ndarray | None,
) -> np.ndarray:
    """Print a text while it is drawn, and return its codes."""
    import numpy as np

    model.sampler.chunk = _AT_ONCE
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
    return codes[0]


def _search(
    values: flags.FlagValues,
    folder: ModelFolder,
    model: SequenceModel,
    prompt: np.ndarray,
    length: int,
    condition: np.ndarray | None,
) -> np.ndarray:
    """Print the most probable text that is found, and return its codes."""
    beams, log_probs = model.beam_search(
        length,
        prompt=prompt if len(prompt) else None,
        beam_width=values.beam_width,
        condition=condition,
    )
    print(folder.vocabulary.decode(beams[0]))
    bits = -float(log_probs[0]) / math.log(2.0) / (length - len(prompt))
    print(f"{bits:.4f} bits per character.", file=sys.stderr)
    return beams[0]


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
