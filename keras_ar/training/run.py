"""From a recipe to a folder of the zoo."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import keras
from absl import logging

from keras_ar.data import kind_of_examples, sample_rate_of
from keras_ar.machine import describe_hardware
from keras_ar.training.examples import cut_sequences, first_examples
from keras_ar.training.exhibits import write_exhibits
from keras_ar.training.recipe import read_recipe
from keras_ar.training.trainer import Trainer
from keras_ar.training.workers import Workers
from keras_ar.zoo.assets import write_vocabulary
from keras_ar.zoo.golden import write_golden
from keras_ar.zoo.preset import load_folder, save
from keras_ar.zoo.weights_writer import check_shard_size

__all__ = ["run_recipe"]

_GOLDEN_LENGTH = 256


def run_recipe(
    recipe: str | os.PathLike,
    *,
    work_dir: str | os.PathLike,
    output: str | os.PathLike,
    minutes: float | None = None,
    float16: bool = True,
    shard_megabytes: float | None = None,
    workers: Workers | None = None,
) -> pathlib.Path:
    """Train by a recipe and write the best averaged weights as a model folder.

    The folder gets ``config.json``, ``model.weights.h5``, ``metadata.json``, ``recipe.toml``,
    ``history.jsonl``, ``golden.npz`` and samples (``samples.png``, recordings, ``samples.txt``),
    the latter two from the weights as stored; a model of text its vocabulary as well.
    ``keras_ar.evaluation.evaluate_folder`` adds ``results.json`` and the card.

    Args:
        recipe: A ``recipe.toml``, or the folder that holds one.
        work_dir: Checkpoints, logs and sample sheets; a run found there is resumed.
        output: The model folder.
        minutes: Stop after this time; the best weights so far are written.
        float16: Whether to store the weights in half the space.
        shard_megabytes: Divide the weights into files of at most this size, as
            ``keras_ar.zoo.save`` does.
        workers: The processes that train together, see ``find_workers``; by default this one
            alone. Only the chief writes.

    Returns:
        The model folder.

    Raises:
        OSError: If a folder cannot be written; said before training starts.
        FloatingPointError: If the loss is no longer finite; the last checkpoint is kept.
        ValueError: If recipe, data or checkpoint do not fit each other, or an array does not fit
            into a shard; said before training starts.
    """
    recipe, workers = read_recipe(recipe), workers or Workers()
    output = pathlib.Path(output)
    if workers.is_chief:
        output.mkdir(parents=True, exist_ok=True)
        if not os.access(output, os.W_OK):
            raise PermissionError(f"The output folder {output} cannot be written.")
    kind = kind_of_examples(recipe.data.name)
    # Looked up now: what cannot be read must not cost a training.
    facts = (
        {}
        if kind != "audio"
        else {"sample_rate": sample_rate_of(recipe.data.name, recipe.data.train)}
    )
    trainer = Trainer(recipe, work_dir, workers=workers)
    stored_as = {"float16": float16, "shard_megabytes": shard_megabytes}
    if shard_megabytes is not None:
        check_shard_size(trainer.model, shard_megabytes, float16=float16)
    trainer.train(None if minutes is None else 60.0 * minutes)
    trainer.load_best()
    with workers.parting():
        if workers.is_chief:
            _write_folder(trainer, output, kind, facts, stored_as)
    return output


def _write_folder(
    trainer: Trainer,
    output: pathlib.Path,
    kind: str,
    facts: dict[str, Any],
    stored_as: dict[str, Any],
) -> None:
    recipe, progress = trainer.recipe, trainer.progress
    metadata = {
        "variant": recipe.variant,
        "recipe_sha256": recipe.sha256,
        **facts,
        "training": {
            "backend": keras.backend.backend(),
            "hardware": describe_hardware(),
            "minutes": round(progress.seconds / 60.0, 1),
            "steps": progress.step,
            "images_seen": progress.step * recipe.training.batch_size,
            "kept_step": progress.best_step,
            "validation_bits_per_dim": progress.best,
        },
    }
    if trainer.vocabulary is not None:
        metadata["vocabulary_sha256"] = write_vocabulary(trainer.vocabulary, output)
    save(trainer.model, output, metadata=metadata, **stored_as)
    (output / "recipe.toml").write_text(recipe.text)
    shutil.copy(trainer.folder.history, output / "history.jsonl")
    # Readers of the folder load it in float32, whatever it was trained in.
    with _dtype_policy("float32"):
        stored = load_folder(output)
        write_golden(stored, output, *_golden_examples(trainer))
        write_exhibits(stored, output, kind, trainer.validation_data)
    logging.info("Wrote %s.", output)


@contextlib.contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _golden_examples(trainer: Trainer):
    """Return two examples of the validation split; of sequences a short piece of each."""
    examples, condition = first_examples(trainer.validation_data, 2)
    if not trainer.model.is_sequential:
        return examples, condition
    return cut_sequences((examples, condition), _GOLDEN_LENGTH, trainer.model)
