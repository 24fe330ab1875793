"""Time the steps of a training, without what comes before the first and after the last."""

import time

import keras

__all__ = ["seconds_of_fit"]


class _EpochTimer(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._start


def seconds_of_fit(model: keras.Model, *arguments, **options) -> float:
    """Run ``model.fit`` for an epoch and return how long its steps took.

    The whole call can take longer than its steps: when tf.data gives up the iterator of an epoch
    that lasted more than a few seconds, it waits for a thread that wakes up every five (TensorFlow
    2.21), so that times of whole calls come out as multiples of five seconds.
    """
    timer = _EpochTimer()
    model.fit(*arguments, **options, verbose=0, callbacks=[timer])
    return timer.seconds
