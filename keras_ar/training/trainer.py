"""Train a model by its recipe: averaged weights, validation, checkpoints, exact resumption."""

import contextlib
import dataclasses
import json
import math
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_ar.data import load_examples
from keras_ar.evaluation import evaluate_model
from keras_ar.image_grid import save_grid
from keras_ar.models import AutoregressiveModel
from keras_ar.training.board import Board
from keras_ar.training.checkpoint import read_checkpoint, read_progress, write_checkpoint
from keras_ar.training.examples import (
    Arrays,
    even_batches,
    first_examples,
    load_split,
    training_batches,
    training_vocabulary,
)
from keras_ar.training.exhibits import draw_samples
from keras_ar.training.recipe import Recipe, build_model
from keras_ar.training.workers import Workers

__all__ = ["Trainer", "build_optimizer"]
_VALIDATION_BATCH = 64


def build_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Build Adam (or AdamW) with warm-up, cosine decay and weight averaging."""
    plan = recipe.training
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if plan.warmup_steps else plan.learning_rate,
        decay_steps=max(plan.steps - plan.warmup_steps, 1),
        alpha=plan.final_learning_rate,
        warmup_target=plan.learning_rate if plan.warmup_steps else None,
        warmup_steps=plan.warmup_steps,
    )
    options = {
        "learning_rate": schedule,
        "beta_1": plan.beta_1,
        "beta_2": plan.beta_2,
        "epsilon": 1e-8,
        "global_clipnorm": plan.clip_norm or None,
        "use_ema": True,
        "ema_momentum": plan.ema_decay,
    }
    if plan.weight_decay:
        return keras.optimizers.AdamW(weight_decay=plan.weight_decay, **options)
    return keras.optimizers.Adam(**options)


class _Watch(keras.callbacks.Callback):
    """Count steps, stop when the time is up, and stop at the first loss that is not finite."""

    def __init__(self, is_time_up: Callable[[], bool]):
        super().__init__()
        self.is_time_up = is_time_up
        self.steps = 0
        self.is_finite = True

    def on_train_batch_end(self, batch, logs=None):
        self.steps = batch + 1
        self.is_finite = math.isfinite((logs or {}).get("loss", 0.0))
        if not self.is_finite or self.is_time_up():
            self.model.stop_training = True


@dataclasses.dataclass
class _Progress:
    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


class Trainer:
    """One training run of one recipe, which can be stopped and resumed at any step.

    Batches, dropout and initial weights are functions of the recipe's seed and the step, and
    every variable is in the checkpoint, so a run that was killed and resumed ends with the
    same bits as one that was not.

    Args:
        recipe: What to do.
        work_dir: Where checkpoint, history, logs and sample sheets go; made if missing. A
            checkpoint found there is resumed.
        load: Loads a split: ``(name, split, labels=...) -> images`` or ``(images, labels)``.
        workers: The processes that train together; by default this one alone.

    Raises:
        ValueError: If data and model do not fit, the checkpoint belongs to another recipe, or
            the workers cannot share the batches or do not share ``work_dir``.
        OSError: If ``work_dir`` cannot be written.
    """

    def __init__(
        self,
        recipe: Recipe,
        work_dir: str | os.PathLike,
        *,
        load: Callable = load_examples,
        workers: Workers | None = None,
    ):
        self.recipe = recipe
        self.workers = workers or Workers()
        self.workers.check_recipe(recipe)
        self.work_dir = pathlib.Path(work_dir)
        self.work_dir.mkdir(parents=True, exist_ok=True)
        if self.workers.is_chief:
            # Written now, so that a folder that cannot be written costs no training time.
            self.history_path.touch()
            self.board = Board(self.work_dir / "tensorboard")
        self.progress = _Progress()
        keras.config.set_dtype_policy(recipe.training.dtype_policy)
        with self.workers.scope():
            self.model: AutoregressiveModel = build_model(recipe)
        self.vocabulary = training_vocabulary(recipe)
        given = {"vocabulary": self.vocabulary, "load": load}
        self.train_data: Arrays = load_split(recipe, recipe.data.train, self.model, **given)
        limit = recipe.training.validation_images or None
        self.validation_data: Arrays = first_examples(
            load_split(recipe, recipe.data.validation, self.model, **given), limit
        )
        if recipe.sequence is not None and recipe.sequence.carries_state:
            # Before the checkpoint is read, which holds the carried state too.
            self.model.carry_states(recipe.training.batch_size)
        with self.workers.scope():
            optimizer = build_optimizer(recipe)
        self.workers.adapt(optimizer)
        # At its end `fit` would replace the weights by their averages, and the next round would
        # start from there: the trainer alone decides when the averages take their place.
        self._put_averages = optimizer.finalize_variable_values
        optimizer.finalize_variable_values = lambda trainable_variables: None
        with self.workers.scope():
            self.model.compile(optimizer)
            self._start()
        self.workers.spread_seeds(self.model)

    @property
    def checkpoint_path(self) -> pathlib.Path:
        """The file from which a run is resumed."""
        return self.work_dir / "checkpoint.npz"

    @property
    def history_path(self) -> pathlib.Path:
        """One line of JSON per round: step, images seen, seconds, bits per dimension."""
        return self.work_dir / "history.jsonl"

    @property
    def best_path(self) -> pathlib.Path:
        """The averaged weights with the lowest validation value so far."""
        return self.work_dir / "best.npz"

    def train(self, time_limit: float | None = None) -> _Progress:
        """Train until the recipe's last step or for ``time_limit`` seconds.

        Returns:
            What was done, over all sessions of this run.

        Raises:
            FloatingPointError: If the loss is no longer finite; the last checkpoint is kept.
        """
        plan, started = self.recipe.training, time.monotonic()
        before = self.progress.seconds

        def is_time_up() -> bool:
            # One clock for all workers: those that go on would wait for the one that stops.
            return time_limit is not None and self.workers.agree(
                time.monotonic() - started > time_limit
            )

        while self.progress.step < plan.steps and not is_time_up():
            rounds = self.progress.step // plan.steps_per_round + 1
            until = min(plan.steps, rounds * plan.steps_per_round)
            losses = self._train_round(until - self.progress.step, is_time_up)
            self.progress.seconds = before + time.monotonic() - started
            if self.progress.step == until:
                self._validate(losses)
            self._save()
        return self.progress

    def load_best(self) -> None:
        """Put the best averaged weights into the model."""
        if not self.workers.agree(self.best_path.exists()):
            with self.averaged_weights():
                self._save_best()
        self.workers.agree(True)  # The chief has written the file that all read.
        read_checkpoint(self.best_path, {"model": self.model.weights})

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Exchange the model's trainable weights for their averages inside the block."""
        variables = self.model.trainable_variables
        trained = [np.array(variable.numpy()) for variable in variables]
        self._put_averages(variables)
        try:
            yield
        finally:
            for variable, value in zip(variables, trained, strict=True):
                variable.assign(value)

    # Private ----------------------------------------------------------------------------------

    @property
    def _groups(self) -> dict[str, list]:
        # `variables` holds the state of the dropout seeds too, but also metrics: leave those out.
        metrics = {id(v) for metric in self.model.metrics for v in metric.variables}
        model = [v for v in self.model.variables if id(v) not in metrics]
        return {"model": model, "optimizer": self.model.optimizer.variables}

    def _start(self) -> None:
        self.model.optimizer.build(self.model.trainable_variables)
        is_resumed = self.checkpoint_path.exists()
        # Before anything that all have to do together, where they would wait for each other.
        self.workers.check_equal("recipe", int(self.recipe.sha256[:7], 16))
        step = read_progress(self.checkpoint_path)["step"] if is_resumed else 0
        self.workers.check_equal("step at which they start", step)
        if is_resumed:
            stored = read_checkpoint(self.checkpoint_path, self._groups)
            recipe_hash = stored.pop("recipe_sha256")
            if recipe_hash != self.recipe.sha256:
                raise ValueError(
                    f"{self.checkpoint_path} was made with another recipe. Give a fresh "
                    "--work_dir, or put the old recipe back."
                )
            self.progress = _Progress(**stored)
            logging.info("Resuming at step %d.", self.progress.step)
            return
        if not self.model.is_sequential:
            some = max(self.recipe.training.batch_size, 16)
            self.model.initialize_from_data(*first_examples(self.train_data, some))
            self.workers.equalize(self.model)

    def _train_round(self, steps: int, is_time_up: Callable[[], bool]) -> dict[str, float]:
        watch = _Watch(is_time_up)
        batches = training_batches(
            self.recipe,
            self.train_data,
            self.model.hop if self.model.is_sequential else None,
            start_step=self.progress.step,
            num_steps=steps,
        )
        losses = self.workers.fit(self.model, batches, [watch])
        if not watch.is_finite:
            raise FloatingPointError(
                f"The loss is no longer finite at step {self.progress.step + watch.steps}. "
                f"Training stopped; {self.checkpoint_path} still holds the last good state. "
                "Lower the learning rate or set clip_norm, and start again."
            )
        self.progress.step += watch.steps
        return losses

    def _validate(self, losses: dict[str, float]) -> None:
        progress = self.progress
        with self.averaged_weights():
            batches = even_batches(self.validation_data, self.model, _VALIDATION_BATCH)
            value = evaluate_model(self.model, batches, verbose=False)["bits_per_dim"]
            if value < progress.best:
                progress.best, progress.best_step = value, progress.step
                self._save_best()
            self._draw_sheet()
        record = {
            "step": progress.step,
            "images_seen": progress.step * self.recipe.training.batch_size,
            "seconds": round(progress.seconds, 1),
            "train_bits_per_dim": losses["bits_per_dim"],
            "validation_bits_per_dim": value,
        }
        progress.history.append(record)
        if not self.workers.is_chief:
            return
        lines = "".join(json.dumps(line) + "\n" for line in progress.history)
        self.history_path.write_text(lines)
        self.board.write(
            progress.step,
            {"bits_per_dim/train": record["train_bits_per_dim"], "bits_per_dim/validation": value},
        )
        logging.info(
            "Step %d: train %.4f, validation %.4f bits/dim (best %.4f at step %d).",
            progress.step,
            record["train_bits_per_dim"],
            value,
            progress.best,
            progress.best_step,
        )

    def _draw_sheet(self) -> None:
        rounds = self.recipe.training.rounds_per_sheet
        is_image = len(self.model.event_shape) == 3
        if (
            not rounds
            or not is_image
            or self.progress.step % (rounds * self.recipe.training.steps_per_round)
        ):
            return
        # Drawn by all: on JAX they compute together.
        images = draw_samples(self.model, 16)
        if not self.workers.is_chief:
            return
        path = self.work_dir / f"samples-{self.progress.step:07d}.png"
        save_grid(path, images, self.model.likelihood.levels)

    def _save(self) -> None:
        if not self.workers.is_chief:
            return
        progress: dict[str, Any] = dataclasses.asdict(self.progress)
        progress["recipe_sha256"] = self.recipe.sha256
        write_checkpoint(self.checkpoint_path, self._groups, progress)

    def _save_best(self) -> None:
        if self.workers.is_chief:
            write_checkpoint(
                self.best_path, {"model": self.model.weights}, {"step": self.progress.step}
            )
