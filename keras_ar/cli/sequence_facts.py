"""What ``keras-ar info`` tells of a model of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_ar.cli.model_folder import ModelFolder
    from keras_ar.models.sequence_model import SequenceModel

__all__ = ["sequence_facts"]

_UNITS = {"sound": "samples", "text": "characters"}


def sequence_facts(
    folder: ModelFolder, model: SequenceModel, *, receptive_field: bool = True
) -> dict[str, Any]:
    """Return what is known of the sequences; ``None`` where a fact does not apply.

    Args:
        folder: Where the model lies.
        model: The model.
        receptive_field: Whether to tell how far back it looks.
    """
    unit, rate, vocabulary = _UNITS.get(folder.kind, "codes"), folder.sample_rate, folder.vocabulary
    classes = {label: ", ".join(names) for label, names in folder.class_names.items()}
    return {
        "makes": folder.kind,
        "sample_rate": rate and f"{rate:,} samples per second",
        "levels": None if vocabulary else f"{model.vocabulary_size:,} codes per value",
        "vocabulary": vocabulary and f"{vocabulary.size} characters: {vocabulary.characters!r}",
        "classes": classes or None,
        "features": model.hop and f"log-mel, one frame per {model.hop} {unit}",
        "receptive_field": _reach(model, unit, rate) if receptive_field else None,
    }


def _reach(model: SequenceModel, unit: str, rate: int | None) -> str:
    number = getattr(model, "receptive_field", None)
    if number is None:
        return f"all {unit} before the one that is predicted, in a recurrent state"
    time = f" ({number / rate:.3g} seconds)" if rate else ""
    return f"{number:,} {unit} before the one that is predicted{time}"
