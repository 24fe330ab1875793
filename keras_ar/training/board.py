"""TensorBoard logs of a run, where TensorFlow and TensorBoard are there to write them."""

import pathlib
from collections.abc import Mapping

from absl import logging

__all__ = ["Board"]


class Board:
    """Write scalars that TensorBoard shows; where it is missing, say so once and do nothing.

    Args:
        folder: Where the event files go.
    """

    def __init__(self, folder: pathlib.Path):
        try:
            import tensorboard  # noqa: F401  (tf.summary needs it and imports it too late)
            import tensorflow as tf
        except ImportError as error:
            logging.info("No TensorBoard logs: %s is not installed.", error.name)
            self._summary = None
        else:
            self._summary = tf.summary
            self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Log every value at ``step``."""
        if self._summary is None:
            return
        with self._writer.as_default(step=step):
            for name, value in values.items():
                self._summary.scalar(name, value)
        self._writer.flush()
