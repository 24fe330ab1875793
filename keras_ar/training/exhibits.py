"""Uncurated samples of a model, written so that people can look at them or listen to them."""

import json
import pathlib

import numpy as np

from keras_ar.data import decode_audio, lengths_of, write_wav
from keras_ar.image_grid import save_grid
from keras_ar.models import AutoregressiveModel
from keras_ar.training.examples import Arrays, cut_sequences, first_examples
from keras_ar.zoo.assets import read_vocabulary

__all__ = ["draw_samples", "write_exhibits"]

_NUM_RECORDINGS, _NUM_RESYNTHESES, _SECONDS, _NUM_CHARACTERS = 10, 5, 1.0, 2000


def draw_samples(model: AutoregressiveModel, count: int, **options) -> np.ndarray:
    """Draw the first ``count`` samples of seed 0, of one class after the other if it has any.

    Args:
        model: Any model without a condition, or with classes.
        count: Number of samples.
        **options: For ``model.sample``.
    """
    return model.sample(count, seed=0, condition=class_ids(model, count), **options)


def class_ids(model: AutoregressiveModel, count: int) -> np.ndarray | None:
    """Return ids that go through the classes; ``None`` without classes."""
    classes = model.num_classes
    if classes is None:
        return None
    ids = np.arange(count)[:, None] % np.atleast_1d(classes)
    return ids if isinstance(classes, tuple) else ids[:, 0]


def write_exhibits(
    model: AutoregressiveModel, folder: pathlib.Path, kind: str, validation: Arrays
) -> None:
    """Write samples of seed 0 into a model folder; nothing for vectors.

    Args:
        model: The model as stored.
        folder: Its folder, with ``metadata.json``.
        kind: What the model was trained on: ``"images"`` or ``"arrays"``, ``"audio"``,
            ``"text"``.
        validation: Examples and conditions, which a vocoder gets the features of.
    """
    if kind == "text":
        codes = model.sample(1, length=_NUM_CHARACTERS, seed=0)[0]
        text = read_vocabulary(folder).decode(codes)
        (folder / "samples.txt").write_text(text + "\n", encoding="utf-8")
    elif kind == "audio":
        write = _write_recordings if model.hop is None else _write_resyntheses
        write(model, folder, validation)
    elif len(model.event_shape) == 3:
        save_grid(folder / "samples.png", draw_samples(model, 20), model.likelihood.levels)


def _write_recordings(model: AutoregressiveModel, folder: pathlib.Path, validation: Arrays) -> None:
    rate = json.loads((folder / "metadata.json").read_text())["sample_rate"]
    codes = draw_samples(model, _NUM_RECORDINGS, length=round(_SECONDS * rate))
    ids = class_ids(model, _NUM_RECORDINGS)
    recordings = folder / "audio"
    recordings.mkdir(exist_ok=True)
    waveforms = []
    for number, row in enumerate(codes):
        parts = [number] if ids is None else np.atleast_1d(ids[number])
        waveforms.append(decode_audio(row, model.likelihood.levels))
        path = recordings / f"{'_'.join(str(part) for part in parts)}.wav"
        write_wav(path, waveforms[-1], rate)
    save_spectrograms(folder / "samples.png", waveforms, rate)


def _write_resyntheses(
    model: AutoregressiveModel, folder: pathlib.Path, validation: Arrays
) -> None:
    """Write some recordings, and what the model makes of their features."""
    rate = json.loads((folder / "metadata.json").read_text())["sample_rate"]
    codes, condition = cut_sequences(
        first_examples(validation, _NUM_RESYNTHESES), round(_SECONDS * rate), model
    )
    drawn = model.sample(len(codes), length=codes.shape[1], condition=condition, seed=0)
    recordings = folder / "audio"
    recordings.mkdir(exist_ok=True)
    given, made = [], []
    for number, length in enumerate(lengths_of(codes)):
        for name, waveforms, row in (("given", given, codes), ("made", made, drawn)):
            waveforms.append(decode_audio(row[number, :length], model.likelihood.levels))
            write_wav(recordings / f"{number}_{name}.wav", waveforms[-1], rate)
    save_spectrograms(folder / "samples.png", given + made, rate)


def save_spectrograms(path: pathlib.Path, waveforms: list[np.ndarray], sample_rate: int) -> None:
    """Draw the spectrograms of recordings one beside the other, in decibels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2 * len(waveforms) / 2, 4.5), layout="constrained")
    panels = figure.subplots(2, -(-len(waveforms) // 2), sharex=True, sharey=True, squeeze=False)
    for number, (axes, waveform) in enumerate(zip(panels.flat, waveforms, strict=False)):
        loudness, times, frequencies = _spectrogram(waveform, sample_rate)
        axes.pcolormesh(times, frequencies, loudness, vmin=-90, vmax=0, cmap="magma")
        axes.set_title(str(number), fontsize=8)
        axes.tick_params(labelsize=6)
    figure.supxlabel("seconds", fontsize=8)
    figure.supylabel("kHz", fontsize=8)
    figure.savefig(path, dpi=100)


def _spectrogram(waveform: np.ndarray, sample_rate: int, window: int = 256, hop: int = 64):
    padded = np.pad(waveform, (window // 2, window))
    starts = np.arange(0, len(waveform), hop)
    pieces = np.stack([padded[start : start + window] for start in starts]) * np.hanning(window)
    power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2 / (window / 4) ** 2
    loudness = 10.0 * np.log10(np.maximum(power, 1e-9))
    frequencies = np.fft.rfftfreq(window, 1.0 / sample_rate) / 1000.0
    return loudness.T, starts / sample_rate, frequencies
