"""How a density model is trained: its likelihood is the loss of plain ``compile`` and ``fit``."""

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_ar.layers.weight_norm import WeightNormLayer, data_dependent_initialization
from keras_ar.models import inputs as checks
from keras_ar.models.fused_adam import fused_adam

__all__ = ["LikelihoodTraining"]


class LikelihoodTraining(keras.Model):
    """Train by maximum likelihood; the half of ``AutoregressiveModel`` that concerns ``fit``."""

    def compile(self, optimizer="adam", *, loss=None, metrics=None, **kwargs) -> None:
        """Configure training; the loss and the metric ``bits_per_dim`` are built in.

        Raises:
            ValueError: If a loss or metrics are given.
        """
        if loss is not None or metrics:
            raise ValueError(
                "The loss is the negative log-likelihood and the metric is bits_per_dim; both "
                'are built in: call compile("adam") without loss and metrics.'
            )
        super().compile(optimizer=optimizer, **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what ``compile`` was given, for saving."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile as ``get_compile_config`` says."""
        config = dict(config)
        self.compile(keras.saving.deserialize_keras_object(config.pop("optimizer")), **config)
        self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, **kwargs):
        """Train on ``x``: images, ``(images, condition)`` pairs, or a data set that yields them.

        NumPy arrays may also be passed as ``x=images, y=condition``. A model that nobody trained
        or loaded yet first sets its weight-normalised layers from the first batch.

        Args:
            x: See above; all other arguments are those of ``keras.Model.fit``.
            y: The condition of a conditional model, when ``x`` is an array.
            **kwargs: Passed on.

        Returns:
            A ``keras.callbacks.History``.

        Raises:
            ValueError: If images or conditions do not fit the model.
        """
        x, y = self._check_data(x, y)
        if isinstance(kwargs.get("validation_data"), tuple | list):
            images, *rest = kwargs["validation_data"]
            images, condition = self._check_data(images, rest[0] if rest else None)
            kwargs["validation_data"] = (images, condition)
        if self._is_pristine():
            self.initialize_from_data(*checks.first_batch(x, y, self.is_conditional))
        # Variables made inside the first step would have TensorFlow trace the whole step twice.
        if self.compiled and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return super().fit(x, y, **kwargs)

    def evaluate(self, x=None, y=None, **kwargs):
        """Return loss (nats per image) and bits per dimension of ``x``, as ``keras.Model`` does."""
        x, y = self._check_data(x, y)
        return super().evaluate(x, y, **kwargs)

    def initialize_from_data(self, images, condition=None) -> None:
        """Set gains and biases of weight-normalised layers from one batch of training images.

        Models without such layers are left alone. ``fit`` does this by itself on a fresh model.

        Source:
            Salimans & Kingma (2016), arXiv:1602.07868, section 3.
        """
        images, condition = self._check(images, condition)
        with data_dependent_initialization():
            self(self._pack(self._tensors(images, condition)), training=True)

    def train_step(self, *arguments):
        """Run Keras' training step; images without targets, condition as an input."""
        *state, data = arguments
        with fused_adam(self.optimizer):
            return super().train_step(*state, self._as_inputs(data))

    def test_step(self, *arguments):
        """Run Keras' evaluation step; images without targets, condition as an input."""
        *state, data = arguments
        return super().test_step(*state, self._as_inputs(data))

    def predict_step(self, *arguments):
        """Run Keras' prediction step; the outputs are the likelihood's parameters."""
        *state, data = arguments
        return super().predict_step(*state, self._as_inputs(data))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the mean negative log-likelihood in nats per image, plus regularisation."""
        data = x if self.is_conditional else (x,)
        # Computed again in the backward pass: cheap, but a hundred maps to remember otherwise.
        nats = keras.remat(lambda outputs: self.training_nats(outputs, *data))(y_pred)
        # By their numbers of values, the mean is the bits of all divided by the values of all.
        counts = ops.cast(self.value_counts(data[0]), nats.dtype)
        weights = counts * ops.ones_like(nats)
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, nats.dtype)
        self._bits_tracker.update_state(nats / (math.log(2.0) * counts), sample_weight=weights)
        if sample_weight is not None:
            nats = nats * ops.cast(sample_weight, nats.dtype)
        # TensorFlow's strategies add up the gradients of the replicas, and Keras their losses.
        return (ops.mean(nats) + sum(self.losses)) / self._num_replicas()

    def training_nats(self, outputs, images, *condition):
        """Compute the loss of every example from the network's outputs: ``(batch,)``, nats."""
        return -self.likelihood_of(outputs, images, *condition)

    # Private ----------------------------------------------------------------------------------

    def _check_data(self, x, y):
        """Check arrays whole, and the declared shapes and types of a tf.data pipeline."""
        if isinstance(x, tuple | list):
            x, y = x if len(x) == 2 else (x, y)
        if hasattr(x, "element_spec"):
            checks.check_spec(
                x.element_spec,
                self.event_shape,
                self.likelihood.levels,
                self.name,
                self.is_conditional,
            )
        elif hasattr(x, "shape"):
            return self._check(x, y)
        return x, y

    def _num_replicas(self) -> int:
        strategy = getattr(self, "distribute_strategy", None)  # Only TensorFlow's models have one.
        return 1 if strategy is None else strategy.num_replicas_in_sync

    def _is_pristine(self) -> bool:
        layers = [x for x in self._flatten_layers() if isinstance(x, WeightNormLayer)]
        normalised = [layer for layer in layers if layer.weight_norm]
        return bool(normalised) and all(layer.is_pristine() for layer in normalised)

    def _as_inputs(self, data):
        images, *rest = data if isinstance(data, tuple | list) else (data,)
        if isinstance(images, tuple | list):
            return data
        condition, *weight = rest or (None,)
        conditions = condition if isinstance(condition, tuple | list) else (condition,)
        return (self._pack((images, *conditions)), None, *weight)
