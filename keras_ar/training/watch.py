"""What is looked at between two calls of the training step."""

import math
from collections.abc import Callable

import keras

__all__ = ["Watch"]


class Watch(keras.callbacks.Callback):
    """Count steps, stop when the time is up, and stop at the first loss that is not finite.

    Args:
        is_time_up: Asked after every call.
        steps_per_call: Training steps in one call.
    """

    def __init__(self, is_time_up: Callable[[], bool], steps_per_call: int = 1):
        super().__init__()
        self.is_time_up = is_time_up
        self.steps_per_call = steps_per_call
        self.steps = 0
        self.is_finite = True

    def on_train_batch_end(self, batch, logs=None):
        """Look at the mean loss so far, which one bad step makes bad for good."""
        self.steps = (batch + 1) * self.steps_per_call
        self.is_finite = math.isfinite((logs or {}).get("loss", 0.0))
        if not self.is_finite or self.is_time_up():
            self.model.stop_training = True
