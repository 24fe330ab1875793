"""Training with plain ``fit``: what it takes, what it reports, and what it initialises."""

import keras
import numpy as np
import pytest
from checks import random_condition, random_images, to_numpy
from keras import ops
from marks import marked
from variants import ONE_OF_EACH, VARIANTS

from keras_ar.layers.weight_norm import WeightNormLayer
from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP


class Batches(keras.utils.PyDataset):
    """Whole batches of arrays, as a user's own data set would hand them out."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, index):
        batch = tuple(array[4 * index : 4 * index + 4] for array in self.arrays)
        return batch if len(batch) == 2 else batch[0]


def tf_data(*arrays):
    import tensorflow as tf

    data = arrays if len(arrays) == 2 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(data).batch(4)


def easy_images(model, count=8):
    """Half black, half white: easy to learn."""
    images = np.zeros((count, *model.image_shape), "uint8")
    images[:, :, : model.image_shape[1] // 2] = model.likelihood.levels - 1
    return images


def small_gated(**options):
    return GatedPixelCNN(
        (4, 4, 1), levels=4, filters=4, num_blocks=1, first_kernel_size=3, head_filters=8, **options
    )


@pytest.mark.parametrize("kind", ["arrays", "pair", "tf_data", "py_dataset"])
@pytest.mark.parametrize(
    "options",
    [
        # As far as data go, a model without a condition is the class-conditional one with less.
        pytest.param({}, id="{}", marks=pytest.mark.slow),
        {"num_classes": 3},
        pytest.param({"condition_shape": (2, 2, 2)}, id="condition_shape", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_fit_takes_every_kind_of_data_and_lowers_the_loss(options, kind):
    model = small_gated(**options)
    model.compile(keras.optimizers.Adam(0.03), run_eagerly=True)
    condition = random_condition(model, 8)
    arrays = [x for x in (easy_images(model), condition) if x is not None]
    data = {
        "arrays": lambda: arrays,
        "pair": lambda: [tuple(arrays) if len(arrays) == 2 else arrays[0]],
        "tf_data": lambda: [tf_data(*arrays)],
        "py_dataset": lambda: [Batches(*arrays)],
    }[kind]()
    options = {"tf_data": {"shuffle": False}, "py_dataset": {}}.get(kind, {"batch_size": 4})
    history = model.fit(*data, epochs=6, verbose=0, **options).history
    assert set(history) == {"loss", "bits_per_dim"}
    assert history["loss"][-1] < 0.8 * history["loss"][0]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow traces twice.")
def test_the_first_step_is_traced_once(monkeypatch):
    model = small_gated()
    model.compile("adam")
    traced = []
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda data: traced.append(1) or step(data))
    model.fit(easy_images(model), epochs=2, batch_size=8, verbose=0)
    assert len(traced) == 1


@pytest.mark.slow
def test_plus_plus_lowers_the_loss():
    # 64 pixels that vary: on fewer, the coarse stage's data-dependent scales are huge and the first
    # steps overshoot, so that the outcome would hang on the seed.
    model = PixelCNNPP((8, 8, 1), levels=4, filters=4, num_blocks=1, num_mixtures=1)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    images = random_images(model, 16) % 2
    history = model.fit(images, epochs=8, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]


@pytest.mark.parametrize("name", ["pixelcnn_colour", "gated_classes"])
def test_evaluate_agrees_with_bits_per_dim_on_all_images_and_the_tail_batch(name):
    model = VARIANTS[name]()
    model.compile(jit_compile=False)
    images, condition = random_images(model, 7), random_condition(model, 7)
    report = model.evaluate(images, condition, batch_size=3, return_dict=True, verbose=0)
    bits = to_numpy(model.bits_per_dim(images, condition, batch_size=2))
    assert np.ptp(bits) > 0
    assert report["bits_per_dim"] == pytest.approx(bits.mean(), rel=1e-5)
    nats = -to_numpy(model.log_prob(images, condition)).mean()
    assert report["loss"] == pytest.approx(nats, rel=1e-5)
    assert bits.mean() == pytest.approx(nats / np.log(2) / model.num_dimensions, rel=1e-5)


def test_validation_data_is_judged_by_the_same_loss():
    model = VARIANTS["gated_classes"]()
    model.compile(run_eagerly=True)
    images, ids = random_images(model, 6), random_condition(model, 6)
    history = model.fit(
        images[:4], ids[:4], validation_data=(images[4:], ids[4:]), batch_size=2, verbose=0
    ).history
    bits = to_numpy(model.bits_per_dim(images[4:], ids[4:])).mean()
    assert history["val_bits_per_dim"][-1] == pytest.approx(bits, rel=1e-5)


def test_sample_weights_weigh_images():
    model = VARIANTS["gated_classes"]()
    model.compile(run_eagerly=True)
    images, ids = random_images(model, 2), random_condition(model, 2)
    weights = np.array([0.0, 3.0], "float32")
    report = model.evaluate(images, ids, sample_weight=weights, return_dict=True, verbose=0)
    nats = -to_numpy(model.log_prob(images, ids))
    assert nats[0] != pytest.approx(nats[1], rel=1e-3)
    assert report["loss"] == pytest.approx(1.5 * nats[1], rel=1e-5)
    bits = to_numpy(model.bits_per_dim(images, ids))
    assert report["bits_per_dim"] == pytest.approx(bits[1], rel=1e-5)


def test_regularisation_counts_in_the_loss_and_not_in_the_bits():
    model = VARIANTS["pixelcnn_binary"]()
    plain = model.compute_loss(random_images(model, 2), y_pred=ops.zeros((2, 5, 4, 1)))
    model.layers[2].kernel.regularizer = keras.regularizers.L2(1.0)
    regularised = model.compute_loss(random_images(model, 2), y_pred=ops.zeros((2, 5, 4, 1)))
    penalty = np.sum(np.square(to_numpy(model.layers[2].kernel)))
    assert float(regularised - plain) == pytest.approx(float(penalty), rel=1e-4)


@pytest.mark.parametrize(
    "name",
    marked(
        ["pixelcnn_colour", "gated_classes", "rnn_diagonal_line", "plus_plus_colour"],
        fast={"pixelcnn_colour"},
    ),
)
def test_a_step_compiled_by_xla_moves_the_weights_like_a_plain_one(name):
    results = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = VARIANTS[name]()
        images, condition = random_images(model, 4), random_condition(model, 4)
        model.compile(keras.optimizers.SGD(1e-3), jit_compile=jit_compile)
        before = [to_numpy(weight) for weight in model.trainable_variables]
        loss = model.train_on_batch(images, condition)
        after = [to_numpy(weight) for weight in model.trainable_variables]
        results.append((loss, after))
    (plain_loss, plain), (xla_loss, xla) = results
    assert plain_loss == pytest.approx(xla_loss, rel=1e-4)
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
    if not name.startswith("plus_plus"):  # Dropout draws other noise under XLA.
        for one, other in zip(plain, xla, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


# Data-dependent initialisation ----------------------------------------------------------------


def test_initialisation_gives_every_normalised_layer_mean_0_and_its_scale(monkeypatch):
    model = PixelCNNPP((8, 8, 3), filters=8, num_blocks=1, num_mixtures=2, dropout=0.0)
    images = random_images(model, 16)
    model.initialize_from_data(images)
    seen = []
    add_bias = WeightNormLayer.add_bias

    def spy(layer, outputs):
        outputs = add_bias(layer, outputs)
        seen.append((layer, to_numpy(outputs)))
        return outputs

    monkeypatch.setattr(WeightNormLayer, "add_bias", spy)
    model(images, training=False)
    assert len(seen) == len([x for x in model._flatten_layers() if isinstance(x, WeightNormLayer)])
    for layer, outputs in seen:
        mean, deviation = (f(outputs, axis=(0, 1, 2)) for f in (np.mean, np.std))
        np.testing.assert_allclose(mean, 0.0, atol=2e-3 * layer.init_scale, err_msg=layer.path)
        np.testing.assert_allclose(deviation, layer.init_scale, rtol=2e-3, err_msg=layer.path)
    assert {layer.init_scale for layer, _ in seen} == {0.1, 1.0}


def test_fit_initialises_a_fresh_model_once_and_a_trained_or_loaded_one_never(
    monkeypatch, tmp_path
):
    calls = []
    original = PixelCNNPP.initialize_from_data
    monkeypatch.setattr(
        PixelCNNPP,
        "initialize_from_data",
        lambda model, *given: calls.append(len(given[0])) or original(model, *given),
    )

    def fit(model):
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        model.fit(images, batch_size=2, verbose=0)

    def fresh():
        return PixelCNNPP((4, 4, 1), levels=4, filters=2, num_blocks=1, num_mixtures=1)

    model = fresh()
    images = random_images(model, 2)
    fit(model)
    assert calls == [2]
    fit(model)
    model.save(tmp_path / "model.keras")
    fit(keras.models.load_model(tmp_path / "model.keras"))
    model.save_weights(tmp_path / "model.weights.h5")
    twin = fresh()
    twin.load_weights(tmp_path / "model.weights.h5")
    fit(twin)
    assert calls == [2], "A model that was trained or loaded is initialised again."


def test_initialisation_leaves_a_model_without_normalised_layers_alone():
    model = VARIANTS["pixelcnn_binary"]()
    before = model.get_weights()
    model.initialize_from_data(random_images(model, 4))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fit_on_an_iterator_of_a_fresh_model_says_what_to_do():
    model = PixelCNNPP((4, 4, 1), levels=4, filters=2, num_blocks=1, num_mixtures=1)
    model.compile(run_eagerly=True)
    batch = random_images(model, 2)
    with pytest.raises(ValueError, match="call initialize_from_data"):
        model.fit(iter([batch]), verbose=0)


@pytest.mark.parametrize("name", marked(ONE_OF_EACH, slow={"plus_plus_colour"}))
def test_training_with_two_steps_moves_every_weight(name):
    model = VARIANTS[name]()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    before = [to_numpy(weight) for weight in model.trainable_variables]
    # Class weights move where the class occurs.
    condition = np.arange(6) % 3 if model.is_conditional else None
    model.fit(random_images(model, 6), condition, batch_size=6, epochs=2, verbose=0)
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert np.any(to_numpy(weight) != old), f"{weight.path} never moves."


def test_a_model_predicts_parameters():
    model = PixelCNN((3, 2, 1), levels=4, filters=2, num_blocks=1, head_filters=4)
    model.compile(jit_compile=False)
    images = random_images(model, 3)
    np.testing.assert_allclose(
        model.predict(images, verbose=0), to_numpy(model(images)), rtol=1e-5, atol=1e-6
    )
