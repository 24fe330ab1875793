"""From a recipe to a folder of the zoo."""

import os
import pathlib
import platform
import shutil

import keras
from absl import logging

from keras_ar.training.recipe import read_recipe
from keras_ar.training.trainer import Trainer
from keras_ar.zoo.preset import save

__all__ = ["run_recipe"]


def _hardware() -> str:
    return f"{os.cpu_count()} CPU cores, {platform.machine()}"


def run_recipe(
    recipe: str | os.PathLike,
    *,
    work_dir: str | os.PathLike,
    output: str | os.PathLike,
    minutes: float | None = None,
    float16: bool = True,
) -> pathlib.Path:
    """Train by a recipe and write the best averaged weights as a model folder."""
    recipe = read_recipe(recipe)
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, work_dir)
    progress = trainer.train(None if minutes is None else 60.0 * minutes)
    trainer.load_best()
    metadata = {
        "variant": recipe.variant,
        "recipe_sha256": recipe.sha256,
        "training": {
            "backend": keras.backend.backend(),
            "hardware": _hardware(),
            "minutes": round(progress.seconds / 60.0, 1),
            "steps": progress.step,
            "images_seen": progress.step * recipe.training.batch_size,
            "kept_step": progress.best_step,
            "validation_bits_per_dim": progress.best,
        },
    }
    save(trainer.model, output, metadata=metadata, float16=float16)
    (output / "recipe.toml").write_text(recipe.text)
    shutil.copy(trainer.work_dir / "history.jsonl", output / "history.jsonl")
    logging.info("Wrote %s.", output)
    return output
