"""How ``keras-ar sample`` and ``complete`` draw sound."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import drawing_options, file_path
from keras_ar.cli.labels import named_condition

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.cli.model_folder import ModelFolder
    from keras_ar.models.sequence_model import SequenceModel

__all__ = ["complete_sound", "sample_sound"]

_SECONDS = 1.0


def sample_sound(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Draw recordings, each into a file of its own."""
    output = file_path(values.output or "samples.wav", ".wav")
    condition = named_condition(values, folder, condition)
    from keras import ops

    from keras_ar import zoo

    model = zoo.load(folder.name)
    heard = _read_heard(values, folder, model)
    length = _length(values, folder, heard, default=_number("seconds", _SECONDS, folder))
    condition = _join(condition, heard, length, folder, model)
    options = drawing_options(values)
    codes = model.sample(values.count or 1, length=length, condition=condition, **options)
    bits = float(ops.mean(model.bits_per_dim(codes, condition)))
    written = _write(output, codes, folder, model)
    print(f"Wrote {written}: {_seconds(length, folder)} of {bits:.4f} bits per sample.")


def complete_sound(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Go on where a recording, or its beginning, ends."""
    if values.recording is None:
        raise app.UsageError("say what to continue: --recording.")
    output = file_path(values.output or "completed.wav", ".wav")
    condition = named_condition(values, folder, condition)
    import numpy as np

    from keras_ar import zoo

    model = zoo.load(folder.name)
    known = _read_beginning(values, folder, model)
    heard = _read_heard(values, folder, model)
    default = len(known) + _number("seconds", _SECONDS, folder)
    length = _length(values, folder, heard, default=default)
    if length <= len(known):
        raise ValueError(
            f"{_seconds(len(known), folder)} are known already, which leaves nothing to draw of "
            f"{_seconds(length, folder)}: give a larger --seconds, or a smaller --seconds_known."
        )
    codes = model.complete(
        np.repeat(known[None], values.count or 1, axis=0),
        length=length,
        condition=_join(condition, heard, length, folder, model),
        **drawing_options(values),
    )
    written = _write(output, codes, folder, model)
    drawn = _seconds(length - len(known), folder)
    print(f"Wrote {written}: {_seconds(len(known), folder)} as given and {drawn} drawn.")


def _read(path: str, folder: ModelFolder, model: SequenceModel) -> np.ndarray:
    """Read a recording as codes."""
    from keras_ar.data import encode_audio, read_wav

    waveform, rate = read_wav(path)
    if rate != folder.sample_rate:
        raise ValueError(
            f"{path} has {rate} samples a second, and {folder.name} makes {folder.sample_rate}: "
            "resample it first."
        )
    return encode_audio(waveform, model.likelihood.levels)


def _read_beginning(
    values: flags.FlagValues, folder: ModelFolder, model: SequenceModel
) -> np.ndarray:
    """Read what is to be continued, as codes."""
    codes = _read(values.recording, folder, model)
    if values.seconds_known is None:
        return codes
    number = _number("seconds_known", values.seconds_known, folder)
    if number > len(codes):
        raise ValueError(
            f"--seconds_known is {values.seconds_known:g}, and {values.recording} has only "
            f"{_seconds(len(codes), folder)}."
        )
    return codes[:number]


def _read_heard(
    values: flags.FlagValues, folder: ModelFolder, model: SequenceModel
) -> np.ndarray | None:
    """Read the codes of the recording whose features a vocoder is told."""
    if model.hop is None and values.features_of is not None:
        raise app.UsageError(f"{folder.name} is told no features: leave --features_of out.")
    if model.hop is not None and values.features_of is None:
        raise app.UsageError(
            f"{folder.name} is told features of sound: say of which recording, --features_of."
        )
    return None if model.hop is None else _read(values.features_of, folder, model)


def _length(
    values: flags.FlagValues, folder: ModelFolder, heard: np.ndarray | None, default: int
) -> int:
    """Return how many samples the result has; with features as many as they were measured on."""
    if values.seconds is None:
        return default if heard is None else len(heard)
    length = _number("seconds", values.seconds, folder)
    if heard is not None and length > len(heard):
        raise ValueError(
            f"--seconds is {values.seconds:g}, and {values.features_of} has only "
            f"{_seconds(len(heard), folder)}."
        )
    return length


def _join(
    condition: np.ndarray | None,
    heard: np.ndarray | None,
    length: int,
    folder: ModelFolder,
    model: SequenceModel,
):
    """Return the condition of a model, which may be a pair."""
    if heard is None:
        return condition
    from keras_ar.data import decode_audio, log_mel

    if condition is not None and len(model.inputs) == 2:
        raise ValueError(f"{folder.name} is told features alone: leave --condition out.")
    # Of the codes and not of the file, as in training.
    features = log_mel(
        decode_audio(heard, model.likelihood.levels),
        folder.sample_rate,
        hop=model.hop,
        num_bands=model.inputs[-1].shape[-1],
    )[: -(-length // model.hop)]
    return features if condition is None else (condition, features)


def _write(
    output: pathlib.Path, codes: np.ndarray, folder: ModelFolder, model: SequenceModel
) -> str:
    """Write recordings, numbered if there are several, and say where."""
    from keras_ar.data import decode_audio, write_wav

    digits = len(str(len(codes) - 1))
    paths = [
        output.with_stem(f"{output.stem}_{number:0{digits}}") if len(codes) > 1 else output
        for number in range(len(codes))
    ]
    for path, row in zip(paths, codes, strict=True):
        write_wav(path, decode_audio(row, model.likelihood.levels), folder.sample_rate)
    return str(output) if len(paths) == 1 else f"{paths[0]} to {paths[-1]}, each"


def _number(flag: str, seconds: float, folder: ModelFolder) -> int:
    number = round(seconds * folder.sample_rate)
    if number < 1:
        raise ValueError(f"--{flag} is {seconds:g}, which is not even one sample.")
    return number


def _seconds(number: int, folder: ModelFolder) -> str:
    return f"{number / folder.sample_rate:g} s"
