"""Train a model by its recipe: averaged weights, validation, checkpoints, exact resumption."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
from absl import logging

from keras_ar.data import load_examples
from keras_ar.evaluation import evaluate_model
from keras_ar.models import AutoregressiveModel
from keras_ar.training.checkpoint import read_checkpoint, read_progress
from keras_ar.training.examples import (
    Arrays,
    even_batches,
    first_examples,
    load_split,
    training_batches,
    training_vocabulary,
)
from keras_ar.training.exhibits import draw_samples
from keras_ar.training.optimizer import build_optimizer
from keras_ar.training.progress import Progress
from keras_ar.training.recipe import Recipe, build_model
from keras_ar.training.resident_steps import ResidentSteps, StepBlocks
from keras_ar.training.run_folder import RunFolder
from keras_ar.training.watch import Watch
from keras_ar.training.workers import Workers

__all__ = ["Trainer"]
_VALIDATION_BATCH = 64


class Trainer:
    """One training run of one recipe, which can be stopped and resumed at any step.

    Batches, dropout and initial weights are functions of the recipe's seed and the step, and
    every variable is in the checkpoint, so a run that was killed and resumed ends with the
    same bits as one that was not.

    A run whose loss is no longer finite, or that has diverged, goes back to its last checkpoint
    and on with half the learning rate, as often as the recipe allows.

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
        self.folder = RunFolder(work_dir, is_writer=self.workers.is_chief)
        self.progress = Progress()
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
        # Several workers share out every batch on the host: their steps are taken one by one.
        is_resident = recipe.training.steps_per_call > 1 and self.workers.count == 1
        self.resident = ResidentSteps(self.model, *self.train_data) if is_resident else None
        with self.workers.scope():
            self._start()

    def train(self, time_limit: float | None = None, *, rounds: int | None = None) -> Progress:
        """Train until the recipe's last step, or for a time or some rounds.

        Args:
            time_limit: Seconds after which to stop, between two steps.
            rounds: Validations after which to stop.

        Returns:
            What was done, over all sessions of this run.

        Raises:
            FloatingPointError: If the loss is lost again after all rollbacks that the recipe
                allows; the last checkpoint is kept.
        """
        plan, started = self.recipe.training, time.monotonic()
        before = self.progress.seconds

        def is_time_up() -> bool:
            # One clock for all workers: those that go on would wait for the one that stops.
            return time_limit is not None and self.workers.agree(
                time.monotonic() - started > time_limit
            )

        last = plan.steps
        if rounds is not None:
            done = self.progress.step // plan.steps_per_round
            last = min(last, (done + rounds) * plan.steps_per_round)
        while self.progress.step < last and not is_time_up():
            done = self.progress.step // plan.steps_per_round
            until = min(last, (done + 1) * plan.steps_per_round)
            try:
                losses = self._train_round(until - self.progress.step, is_time_up)
                self.progress.seconds = before + time.monotonic() - started
                if self.progress.step == until:
                    self._validate(losses)
            except FloatingPointError as error:
                self._roll_back(error)
                continue
            self._save()
        return self.progress

    def load_best(self) -> None:
        """Put the best averaged weights into the model."""
        if not self.workers.agree(self.folder.best.exists()):
            with self.averaged_weights():
                self.folder.write_best(self.model.weights, self.progress.step)
        self.workers.agree(True)  # The chief has written the file that all read.
        read_checkpoint(self.folder.best, {"model": self.model.weights})

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
        path = self.folder.checkpoint
        # The chief's answer: it may write the first checkpoint before another one looks.
        is_resumed = self.workers.agree(path.exists())
        # Before anything that all have to do together, where they would wait for each other.
        self.workers.check_equal("recipe", int(self.recipe.sha256[:7], 16))
        self.workers.check_equal("checkpoints they find", int(is_resumed and path.exists()))
        step = read_progress(path)["step"] if is_resumed else 0
        self.workers.check_equal("step at which they start", step)
        if is_resumed:
            self._restore()
            logging.info("Resuming at step %d.", self.progress.step)
            return
        self._compile()
        if not self.model.is_sequential:
            some = max(self.recipe.training.batch_size, 16)
            self.model.initialize_from_data(*first_examples(self.train_data, some))
            self.workers.equalize(self.model)
        # From now on there is a state to which a run can go back.
        self._save()
        self.workers.spread_seeds(self.model)

    def _compile(self) -> None:
        with self.workers.scope():
            optimizer = build_optimizer(self.recipe, scale=self.progress.learning_rate_scale)
            self.workers.adapt(optimizer)
            # At its end `fit` would replace the weights by their averages, and the next round would
            # start from there: the trainer alone decides when the averages take their place.
            self._put_averages = optimizer.finalize_variable_values
            optimizer.finalize_variable_values = lambda trainable_variables: None
            self.model.compile(optimizer)
            optimizer.build(self.model.trainable_variables)
        if self.resident:
            self.resident.install()

    def _restore(self, *, rollbacks: int | None = None) -> None:
        """Go to the last checkpoint, with the learning rate that belongs to it."""
        path = self.folder.checkpoint
        stored = read_progress(path)
        recipe_hash = stored.pop("recipe_sha256")
        self.progress = Progress(**stored)
        if rollbacks is not None:
            self.progress.rollbacks = rollbacks
        self._compile()
        read_checkpoint(path, self._groups)
        if recipe_hash != self.recipe.sha256:
            raise ValueError(
                f"{path} was made with another recipe. Give a fresh --work_dir, or put the old "
                "recipe back."
            )
        self.workers.spread_seeds(self.model)

    def _train_round(self, steps: int, is_time_up: Callable[[], bool]) -> dict[str, float]:
        plan, start = self.recipe.training, self.progress.step
        watch = Watch(is_time_up, plan.steps_per_call if self.resident else 1)
        batches = training_batches(
            self.recipe,
            self.train_data,
            self.model.hop if self.model.is_sequential else None,
            start_step=start,
            num_steps=steps,
        )
        if self.resident:
            batches = StepBlocks(batches, plan.steps_per_call)
        losses = self.workers.fit(self.model, batches, [watch])
        # The weights too: a loss only tells of the step before.
        if not watch.is_finite or not self._has_finite_weights():
            raise FloatingPointError(f"The loss is no longer finite at step {start + watch.steps}.")
        uniform = math.log2(self.model.likelihood.levels)
        lowest = min(self.progress.lowest_train, uniform)
        if watch.steps == steps and 0.0 < plan.divergence * lowest < losses["bits_per_dim"]:
            raise FloatingPointError(
                f"The loss has diverged at step {start + steps}: {losses['bits_per_dim']:.4g} bits "
                f"per dimension after {lowest:.4g}."
            )
        self.progress.step += watch.steps
        return losses

    def _has_finite_weights(self) -> bool:
        variables = self.model.trainable_variables
        return all(np.all(np.isfinite(variable.numpy())) for variable in variables)

    def _roll_back(self, error: FloatingPointError) -> None:
        """Go back to the last checkpoint, to go on from there with half the learning rate."""
        if self.progress.rollbacks == self.recipe.training.rollbacks:
            raise FloatingPointError(
                f"{error} Training stopped after {self.progress.rollbacks} rollback(s); "
                f"{self.folder.checkpoint} still holds the last good state. Lower the learning "
                "rate or set clip_norm, and start again."
            ) from None
        self._restore(rollbacks=self.progress.rollbacks + 1)
        # What is stored decides the learning rate of a run that is killed and resumed.
        self._save()
        logging.warning(
            "%s Back to step %d, with %g of the recipe's learning rate.",
            error,
            self.progress.step,
            self.progress.learning_rate_scale,
        )

    def _validate(self, losses: dict[str, float]) -> None:
        progress = self.progress
        with self.averaged_weights():
            batches = even_batches(self.validation_data, self.model, _VALIDATION_BATCH)
            value = evaluate_model(self.model, batches, verbose=False)["bits_per_dim"]
            if value < progress.best:
                progress.best, progress.best_step = value, progress.step
                self.folder.write_best(self.model.weights, self.progress.step)
            self._draw_sheet()
        record = {
            "step": progress.step,
            "images_seen": progress.step * self.recipe.training.batch_size,
            "seconds": round(progress.seconds, 1),
            "train_bits_per_dim": losses["bits_per_dim"],
            "validation_bits_per_dim": value,
        }
        progress.history.append(record)
        self.folder.write_round(progress)

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
        self.folder.write_sheet(self.progress.step, images, self.model.likelihood.levels)

    def _save(self) -> None:
        self.folder.write_checkpoint(self._groups, self.progress, self.recipe.sha256)
