"""Several TensorFlow processes: ``tf.distribute.MultiWorkerMirroredStrategy``."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ar.training.recipe import Recipe
from keras_ar.training.workers import Workers, check_all_equal, check_divisible, part_of_batch

__all__ = ["TensorFlowWorkers", "read_cluster"]

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# Seeds of workers that lie this far apart do not meet: a run draws fewer numbers.
_SEED_STRIDE = 7919


def read_cluster(config: str) -> tuple[int, int]:
    """Return the number of workers and the place of this one among them.

    Args:
        config: The text of ``TF_CONFIG``.

    Raises:
        ValueError: If it is not what TensorFlow documents for workers that train together.
    """
    try:
        table = json.loads(config)
        cluster = {kind: list(addresses) for kind, addresses in table.get("cluster", {}).items()}
        task = table.get("task", {})
        unknown = sorted(set(cluster) - {"chief", "worker"})
        counts = [len(cluster.get(kind, [])) for kind in ("chief", "worker")]
        if not cluster:
            return 1, 0
        kind, index = task["type"], task["index"]
        addresses = cluster[kind]
        addresses_are_texts = all(isinstance(x, str) for part in cluster.values() for x in part)
        if unknown or not addresses_are_texts or not 0 <= index < len(addresses):
            raise ValueError(f"unknown task types {unknown}" if unknown else f"task {task}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"TF_CONFIG cannot be used ({type(error).__name__}: {error}). It must be the same on "
            f"all workers but for the index: {_EXAMPLE}."
        ) from None
    return sum(counts), index + (counts[0] if kind == "worker" else 0)


class TensorFlowWorkers(Workers):
    """Processes that ``TF_CONFIG`` names, each with all of its GPUs.

    Steps are taken here and not by Keras' ``fit``, for two reasons. Keras 3.15 cannot read
    per-replica batches (it tries to average the images to learn their shape), and left to
    itself, ``tf.data`` decides how batches are shared out. Here the rows of every batch go to
    the replicas in order, so that together they have the batch of a single process.

    Args:
        count: Number of processes.
        index: Which one this is.
    """

    def __init__(self, count: int, index: int):
        self.count, self.index = count, index
        self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self._step = self._optimizer = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "TensorFlowWorkers | None":
        """Join the workers of ``TF_CONFIG``; ``None`` if it names but one."""
        count, index = read_cluster(environment["TF_CONFIG"])
        return cls(count, index) if count > 1 else None

    def scope(self) -> contextlib.AbstractContextManager:
        return self.strategy.scope()

    def adapt(self, optimizer: keras.optimizers.Optimizer) -> None:
        # Keras clips the gradients of each replica before it adds them up.
        norm, optimizer.global_clipnorm = optimizer.global_clipnorm, None
        if not norm:
            return
        apply, replicas = optimizer.apply, self.strategy.num_replicas_in_sync

        def apply_clipped(grads, trainable_variables=None):
            grads = [tf.convert_to_tensor(grad) for grad in grads]
            context = tf.distribute.get_replica_context()
            total = context.all_reduce(tf.distribute.ReduceOp.SUM, grads)
            clipped, _ = tf.clip_by_global_norm(total, norm)
            # Divided, for they are added up once more.
            apply([grad / replicas for grad in clipped], trainable_variables)

        optimizer.apply = apply_clipped

    def check_recipe(self, recipe: Recipe) -> None:
        check_divisible(recipe.training.batch_size, self.strategy.num_replicas_in_sync)
        if recipe.sequence is not None and recipe.sequence.carries_state:
            raise ValueError(
                "A recipe with carries_state cannot be trained by several TensorFlow workers: "
                "each would keep the state of its own rows, and the checkpoint that of the "
                "chief's. Train with KERAS_BACKEND=jax, or in one process."
            )

    def check_equal(self, name: str, value: int) -> None:
        mine = np.zeros(self.count, "int64")
        mine[self.index] = value
        check_all_equal(name, self._sum(mine).tolist())

    def agree(self, flag: bool) -> bool:
        return bool(self._sum(np.int64(flag and self.is_chief)))

    def equalize(self, model: keras.Model) -> None:
        for variable in model.variables:
            value = variable.numpy()
            variable.assign(self._sum(value if self.is_chief else np.zeros_like(value)))

    def spread_seeds(self, model: keras.Model) -> None:
        for variable in model.variables:
            if variable.path.endswith("seed_generator_state"):
                seed, drawn = variable.numpy()
                seed = (int(seed) + _SEED_STRIDE * self.index) % 2**31
                variable.assign(np.array([seed, drawn]))

    def fit(
        self,
        model: keras.Model,
        batches: keras.utils.PyDataset,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> dict[str, float]:
        if model.optimizer is not self._optimizer:
            # As after every `compile`: a step belongs to one optimizer.
            self._step, self._optimizer = self._compile(model), model.optimizer
        watching = keras.callbacks.CallbackList(list(callbacks), model=model)
        model.stop_training = False
        model.reset_metrics()
        for index in range(len(batches)):
            loss = self._step(self._distribute(batches[index]))
            watching.on_train_batch_end(index, {"loss": float(loss)})
            if model.stop_training:
                break
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    @contextlib.contextmanager
    def parting(self) -> Iterator[None]:
        yield
        # Whoever leaves first would make the others fail: wait for the chief.
        self.agree(True)

    # Private ----------------------------------------------------------------------------------

    def _compile(self, model: keras.Model):
        @tf.function(reduce_retracing=True, autograph=False)
        def step(batch):
            logs = self.strategy.run(model.train_step, args=(batch,))
            return self.strategy.reduce(tf.distribute.ReduceOp.MEAN, logs["loss"], axis=None)

        return step

    def _distribute(self, batch):
        def part(context):
            part = part_of_batch(
                batch, context.replica_id_in_sync_group, context.num_replicas_in_sync
            )
            return keras.tree.map_structure(tf.convert_to_tensor, part)

        return self.strategy.experimental_distribute_values_from_function(part)

    def _sum(self, value: np.ndarray) -> np.ndarray:
        """Add up what the workers have; those with several replicas count once."""

        def once(context):
            local = context.replica_id_in_sync_group * self.count
            is_first = local % context.num_replicas_in_sync == 0
            return tf.convert_to_tensor(value if is_first else np.zeros_like(value))

        values = self.strategy.experimental_distribute_values_from_function(once)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()
