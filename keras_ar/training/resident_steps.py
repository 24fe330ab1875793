"""Many training steps in one compiled call, on examples that stay on the device."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_ar.data import ShuffledBatches
from keras_ar.models import AutoregressiveModel

__all__ = ["ResidentSteps", "StepBlocks"]


class StepBlocks(keras.utils.PyDataset):
    """The batches of a training, a block of steps at a time, as the numbers of their examples.

    Args:
        batches: What is drawn.
        steps_per_call: Steps per block; it divides the number of batches.

    Shapes:
        Block: ``(rows,)`` or ``(rows, mirrored)``, both ``(steps_per_call, batch_size)``.
    """

    def __init__(self, batches: ShuffledBatches, steps_per_call: int) -> None:
        super().__init__()
        if len(batches) % steps_per_call:
            raise ValueError(f"{len(batches)} steps are no multiple of {steps_per_call}.")
        self._batches = batches
        self._steps_per_call = steps_per_call

    def __len__(self) -> int:
        return len(self._batches) // self._steps_per_call

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        steps = range(index * self._steps_per_call, (index + 1) * self._steps_per_call)
        drawn = [self._batches.draw(step) for step in steps]
        rows = np.stack([rows for rows, _ in drawn]).astype("int32")
        mirrored = [mirrored for _, mirrored in drawn if mirrored is not None]
        return (rows, np.stack(mirrored)) if mirrored else (rows,)


class ResidentSteps:
    """Train on examples that lie on the device, without the host between two steps.

    Keras' own training step runs inside one compiled loop: on TensorFlow a ``while_loop``, on JAX
    a ``scan``. The host sends the numbers of the examples and gets back the mean loss.

    Args:
        model: A compiled model.
        images: All training examples, ``(num_examples, ...)``, integer.
        condition: Their conditions, if the model has one: an array.

    Example:
        >>> ResidentSteps(model, images).install()
        >>> model.fit(StepBlocks(batches, 20), shuffle=False)
    """

    def __init__(
        self, model: AutoregressiveModel, images: np.ndarray, condition: np.ndarray | None = None
    ):
        self.model = model
        parts = (images,) if condition is None else (images, condition)
        # Arguments of the compiled function, not constants inside it: those would be copied.
        self._parts = tuple(ops.convert_to_tensor(part) for part in parts)

    def install(self) -> None:
        """Make the loop the model's training function; needed after every ``compile``."""
        build = {"tensorflow": self._on_tensorflow, "jax": self._on_jax}
        self.model.train_function = build[keras.backend.backend()]()

    def _take(self, parts, rows, mirrored=None):
        images, *condition = (ops.take(part, rows, axis=0) for part in parts)
        if mirrored is not None:
            mirrored = ops.reshape(mirrored, (-1, 1, 1, 1))
            images = ops.where(mirrored, ops.flip(images, axis=2), images)
        return (images, *condition)

    def _on_tensorflow(self) -> Callable:
        import tensorflow as tf

        model = self.model

        def run(parts, block):
            def step(index):
                model.train_step(self._take(parts, *(part[index] for part in block)))
                return (index + 1,)

            tf.while_loop(lambda index: index < tf.shape(block[0])[0], step, (0,))
            return model.get_metrics_result()

        compiled = tf.function(run, jit_compile=model.jit_compile, autograph=False)
        return lambda iterator: compiled(self._parts, next(iterator))

    def _on_jax(self) -> Callable:
        import jax

        def run(state, parts, block):
            def step(state, drawn):
                logs, state = self.model.train_step(state, self._take(parts, *drawn))
                return state, logs

            state, logs = jax.lax.scan(step, state, block)
            return jax.tree.map(lambda values: values[-1], logs), state

        compiled = jax.jit(run, donate_argnums=0)
        return lambda state, iterator: compiled(state, self._parts, next(iterator))
