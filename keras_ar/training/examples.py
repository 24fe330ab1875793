"""The examples that a recipe names, as its model takes them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_ar.data import (
    ContiguousBatches,
    RandomCrops,
    ShuffledBatches,
    Vocabulary,
    decode_audio,
    kind_of_examples,
    lengths_of,
    load_examples,
    load_text,
    log_mel,
    sample_rate_of,
)
from keras_ar.models import AutoregressiveModel
from keras_ar.training.recipe import Recipe

__all__ = [
    "Arrays",
    "cut_sequences",
    "even_batches",
    "first_examples",
    "load_split",
    "training_batches",
    "training_vocabulary",
]

Arrays = tuple[np.ndarray, Any]
# Values of one pass over sequences in evaluation: bounds the memory.
_VALUES_PER_BATCH = 65536


def training_vocabulary(recipe: Recipe) -> Vocabulary | None:
    """Return the characters of the text that a recipe trains on; ``None`` if it is no text."""
    if kind_of_examples(recipe.data.name) != "text":
        return None
    return Vocabulary.from_text(load_text(recipe.data.name, recipe.data.train))


def load_split(
    recipe: Recipe,
    split: str,
    model: AutoregressiveModel,
    *,
    vocabulary: Vocabulary | None = None,
    limit: int | None = None,
    load: Callable = load_examples,
) -> Arrays:
    """Load a split into memory, checked by the model.

    Args:
        recipe: Names the data.
        split: Which part.
        model: The recipe's model.
        vocabulary: The codes of the characters of a text.
        limit: Keep only the first examples.
        load: Loads a split: ``(name, split, labels=..., ...) -> examples`` or ``(examples,
            labels)``.

    Returns:
        Examples and condition, as ``model.log_prob`` takes them.

    Raises:
        ValueError: If the data do not fit the model.
    """
    kind, has_labels = kind_of_examples(recipe.data.name), recipe.data.labels
    options: dict[str, Any] = {} if limit is None else {"limit": limit}
    if kind == "audio":
        options["levels"] = model.likelihood.levels
    if kind == "text":
        options["vocabulary"] = vocabulary
    loaded = load(recipe.data.name, split, labels=has_labels, **options)
    examples, *conditions = loaded if has_labels else (loaded,)
    if recipe.sequence is not None and recipe.sequence.features:
        conditions.append(_log_mel_of(examples, recipe, model))
    condition = tuple(conditions) if len(conditions) > 1 else (conditions or [None])[0]
    return model._check(examples, condition)


def training_batches(
    recipe: Recipe, data: Arrays, hop: int | None, *, start_step: int, num_steps: int
) -> ShuffledBatches | RandomCrops | ContiguousBatches:
    """Return the batches of some steps of a training, each a function of seed and step alone."""
    plan, sequence = recipe.training, recipe.sequence
    examples, condition = data
    steps = {"batch_size": plan.batch_size, "start_step": start_step, "num_steps": num_steps}
    if sequence is None:
        return ShuffledBatches(examples, condition, seed=plan.seed, flip=plan.flip, **steps)
    if sequence.carries_state:
        return ContiguousBatches(examples[0], length=sequence.length, **steps)
    labels, features = condition if isinstance(condition, tuple) else (condition, None)
    if sequence.features and features is None:
        labels, features = None, condition
    given = {} if features is None else {"features": features, "hop": hop}
    return RandomCrops(examples, labels, length=sequence.length, seed=plan.seed, **given, **steps)


def even_batches(data: Arrays, model: AutoregressiveModel, batch_size: int) -> list[Arrays]:
    """Cut a split into batches for evaluation.

    Sequences are put together by their lengths, as many as fit into a pass, and cut behind the
    longest: what is padding costs no time.

    Args:
        data: Examples and condition.
        model: Whose examples they are.
        batch_size: Examples per batch; for sequences at the most.
    """
    examples, _ = data
    if not model.is_sequential:
        starts = range(0, len(examples), batch_size)
        return [_take(data, slice(start, start + batch_size)) for start in starts]
    lengths = lengths_of(examples)
    return [
        cut_sequences(_take(data, rows), int(lengths[rows].max()), model)
        for rows in _rows_by_length(lengths, batch_size)
    ]


def first_examples(data: Arrays, number: int | None) -> Arrays:
    """Return the first ``number`` examples of a split with their conditions; all if ``None``."""
    return _take(data, slice(number))


def cut_sequences(data: Arrays, length: int, model: AutoregressiveModel) -> Arrays:
    """Cut sequences and their features behind the first ``length`` values."""
    examples, condition = data
    parts = condition if isinstance(condition, tuple) else (condition,)
    names = [given.name for given in model.inputs[1:]] or [None]
    cut = [
        part[:, : -(-length // model.hop)] if name == "features" else part
        for name, part in zip(names, parts, strict=True)
    ]
    return examples[:, :length], tuple(cut) if len(cut) > 1 else cut[0]


def _rows_by_length(lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    order = np.argsort(lengths, kind="stable")[::-1]
    while len(order):
        number = int(np.clip(_VALUES_PER_BATCH // lengths[order[0]], 1, batch_size))
        yield order[:number]
        order = order[number:]


def _take(data: Arrays, rows: np.ndarray | slice) -> Arrays:
    examples, condition = data
    if isinstance(condition, tuple):
        return examples[rows], tuple(part[rows] for part in condition)
    return examples[rows], None if condition is None else condition[rows]


def _log_mel_of(codes: np.ndarray, recipe: Recipe, model) -> np.ndarray:
    """Compute the features of all recordings, zero behind their ends."""
    rate, levels = sample_rate_of(recipe.data.name, recipe.data.train), model.likelihood.levels
    lengths = lengths_of(codes)
    frames = -(-codes.shape[1] // model.hop)
    features = np.zeros((len(codes), frames, model.inputs[-1].shape[-1]), "float32")
    for row, length in enumerate(lengths):
        waveform = decode_audio(codes[row, :length], levels)
        found = log_mel(waveform, rate, hop=model.hop, num_bands=features.shape[-1])
        features[row, : len(found)] = found
    return features
