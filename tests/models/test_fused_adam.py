"""Adam by TensorFlow's kernel: the numbers of Keras' own update, and nothing of it left behind."""

import keras
import numpy as np
import pytest
from marks import marked

from keras_ar.models import PixelCNN
from keras_ar.models.fused_adam import fused_adam

pytestmark = pytest.mark.tensorflow

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-5),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(0.0, 6, warmup_target=0.02, warmup_steps=3)
    ),
    "clipped and averaged": lambda: keras.optimizers.Adam(
        0.01, global_clipnorm=0.5, use_ema=True, ema_momentum=0.9
    ),
    "accumulated": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "sgd": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
}


class Regression(keras.Model):
    """Embeddings, whose gradient is sparse, and a dense layer."""

    is_fused = True

    def __init__(self):
        super().__init__()
        self.embedding = keras.layers.Embedding(7, 5, embeddings_initializer="ones")
        self.dense = keras.layers.Dense(3, kernel_initializer="ones")

    def call(self, codes):
        return self.dense(self.embedding(codes))

    def train_step(self, data):
        if not self.is_fused:
            return super().train_step(data)
        with fused_adam(self.optimizer):
            return super().train_step(data)


def trained(optimizer, *, is_fused, **options):
    model = Regression()
    model.is_fused = is_fused
    model.compile(optimizer, "mse", **options)
    random = np.random.default_rng(0)
    codes, targets = random.integers(0, 7, (24, 2)), random.normal(size=(24, 2, 3))
    model.fit(codes, targets.astype("float32"), batch_size=4, shuffle=False, verbose=0)
    return [variable.numpy() for variable in (*model.variables, *optimizer.variables)]


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("name", marked(OPTIMIZERS, fast={"adam", "clipped and averaged"}))
def test_weights_and_state_after_six_steps_are_those_of_keras(name, run_eagerly):
    fused, plain = (
        trained(OPTIMIZERS[name](), is_fused=choice, run_eagerly=run_eagerly)
        for choice in (True, False)
    )
    for ours, theirs in zip(fused, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def traced_operations(optimizer):
    """Name what a training step of a density model consists of."""
    import tensorflow as tf

    model = PixelCNN((4, 4, 1), levels=2, filters=4, num_blocks=1, head_filters=4)
    model.compile(optimizer)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, autograph=False)
    graph = step.get_concrete_function(tf.TensorSpec((None, 4, 4, 1), "uint8")).graph
    return [operation.type for operation in graph.get_operations()], model


@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.AdamW])
def test_a_training_step_updates_every_weight_by_one_operation(optimizer):
    operations, model = traced_operations(optimizer if optimizer == "adam" else optimizer())
    assert operations.count("ResourceApplyAdam") == len(model.trainable_variables)


@pytest.mark.parametrize("optimizer", ["nadam", "sgd"])
def test_other_optimizers_are_left_alone(optimizer):
    operations, _ = traced_operations(optimizer)
    assert "ResourceApplyAdam" not in operations


def test_nothing_is_left_of_it_outside_even_after_an_error():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(RuntimeError), fused_adam(optimizer):
        assert "update_step" in vars(optimizer)
        raise RuntimeError
    assert "update_step" not in vars(optimizer)
    assert optimizer.update_step.__func__ is keras.optimizers.Adam.update_step
