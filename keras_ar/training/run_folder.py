"""The files of a training run."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from absl import logging

from keras_ar.image_grid import save_grid
from keras_ar.training.board import Board
from keras_ar.training.checkpoint import write_checkpoint
from keras_ar.training.progress import Progress

__all__ = ["RunFolder"]


class RunFolder:
    """Where a run keeps what it must not lose, and what people look at while it goes on.

    Args:
        path: The folder; made if missing.
        is_writer: Whether this process writes; of several that train together only one does, and
            the others read.

    Raises:
        OSError: If the folder cannot be written, before anything is trained.
    """

    def __init__(self, path: str | os.PathLike, *, is_writer: bool = True):
        self.path = pathlib.Path(path)
        self.is_writer = is_writer
        self.path.mkdir(parents=True, exist_ok=True)
        if is_writer:
            self.history.touch()
            self._board = Board(self.path / "tensorboard")

    @property
    def checkpoint(self) -> pathlib.Path:
        """The file from which a run is resumed."""
        return self.path / "checkpoint.npz"

    @property
    def history(self) -> pathlib.Path:
        """One line of JSON per round: step, images seen, seconds, bits per dimension."""
        return self.path / "history.jsonl"

    @property
    def best(self) -> pathlib.Path:
        """The averaged weights with the lowest validation value so far."""
        return self.path / "best.npz"

    def write_checkpoint(
        self,
        groups: Mapping[str, Sequence[keras.Variable]],
        progress: Progress,
        recipe_sha256: str,
    ) -> None:
        """Write all that a run goes on from."""
        if self.is_writer:
            facts = dataclasses.asdict(progress) | {"recipe_sha256": recipe_sha256}
            write_checkpoint(self.checkpoint, groups, facts)

    def write_best(self, weights: Sequence[keras.Variable], step: int) -> None:
        """Write the weights that are kept unless better ones come."""
        if self.is_writer:
            write_checkpoint(self.best, {"model": weights}, {"step": step})

    def write_round(self, progress: Progress) -> None:
        """Tell history, TensorBoard and log of the last round."""
        if not self.is_writer:
            return
        lines = "".join(json.dumps(line) + "\n" for line in progress.history)
        self.history.write_text(lines)
        record = progress.history[-1]
        values = {kind: record[f"{kind}_bits_per_dim"] for kind in ("train", "validation")}
        names = {f"bits_per_dim/{kind}": value for kind, value in values.items()}
        self._board.write(progress.step, names)
        logging.info(
            "Step %d: train %.4f, validation %.4f bits/dim (best %.4f at step %d).",
            progress.step,
            values["train"],
            values["validation"],
            progress.best,
            progress.best_step,
        )

    def write_sheet(self, step: int, images: np.ndarray, levels: int) -> None:
        """Write a sheet of samples."""
        if self.is_writer:
            save_grid(self.path / f"samples-{step:07d}.png", images, levels)
