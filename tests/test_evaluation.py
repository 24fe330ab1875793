"""Every example counts once, whatever the batches are."""

import json
import math

import keras
import numpy as np
import pytest

import keras_ar
from keras_ar.evaluation import evaluate_folder, evaluate_model
from keras_ar.models import MADE, DeepNADE, PixelVAE
from keras_ar.zoo.card import format_measured
from keras_ar.zoo.preset import save

IMAGES = np.random.default_rng(0).integers(0, 2, (11, 4, 4, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras_ar.PixelCNN((4, 4, 1), levels=2, filters=4, num_blocks=1, head_filters=4)


@pytest.mark.parametrize("sizes", [[11], [4, 4, 3], [1] * 11])
def test_the_mean_is_over_examples_the_tail_batch_included(model, sizes):
    batches = np.split(IMAGES, np.cumsum(sizes)[:-1])
    measured = evaluate_model(model, batches, verbose=False)
    nats = -np.asarray(model.log_prob(IMAGES), np.float64)
    assert measured["num_examples"] == 11
    assert measured["nats_per_image"] == pytest.approx(nats.mean(), rel=1e-6)
    assert measured["bits_per_dim"] == pytest.approx(nats.mean() / (16 * math.log(2)), rel=1e-6)
    assert measured["standard_error"] == pytest.approx(nats.std(ddof=1) / math.sqrt(11), rel=1e-4)


def test_nothing_to_evaluate_is_an_error(model):
    with pytest.raises(ValueError, match="empty"):
        evaluate_model(model, [], verbose=False)


def test_a_likelihood_that_is_not_finite_is_an_error_with_its_place(model):
    broken = keras.models.clone_model(model)
    broken.set_weights([np.full(w.shape, np.nan) for w in model.get_weights()])
    with pytest.raises(FloatingPointError, match="example 4 is not finite"):
        # The first batch goes through sound weights.
        evaluate_model(_Switching(model, broken), [IMAGES[:4], IMAGES[4:]], verbose=False)


class _Switching:
    """Answer the first question with one model and the others with another."""

    def __init__(self, first, then):
        self.models = [first, then]
        self.is_conditional = self.is_sequential = False
        self.value_counts = first.value_counts

    def log_prob(self, images, condition):
        return self.models.pop(0).log_prob(images)


_RECIPE = """variant = "mine"

[model]
class = "DeepNADE"
event_size = 6
units = [5]

[data]
name = "{path}"
test = "test"

[training]
steps = 1
batch_size = 1
learning_rate = 1.0

[evaluation]
orders = [1, 3]
"""


def test_an_order_agnostic_model_is_measured_under_the_recipe_s_numbers_of_orders(tmp_path):
    values = np.random.default_rng(0).integers(0, 2, (7, 6)).astype("uint8")
    np.savez(tmp_path / "mine.npz", test=values)
    model = DeepNADE(6, units=5)
    save(model, tmp_path / "mine", metadata={})
    (tmp_path / "mine" / "recipe.toml").write_text(_RECIPE.format(path=tmp_path / "mine.npz"))
    results = evaluate_folder(tmp_path / "mine", batch_size=4, verbose=False)
    wanted = [-np.mean(model.log_prob(values, orders=number)) for number in (1, 3)]
    found = [part["nats_per_image"] for part in results["ensembles"]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert [part["orders"] for part in results["ensembles"]] == [1, 3]
    assert results["value"] == results["nats_per_image"] == found[1]
    assert "mixture of 3 seeded orders" in results["protocol"]
    written = (tmp_path / "mine" / "results.json").read_text()
    assert json.loads(written) == results
    other = evaluate_folder(tmp_path / "mine", orders=[2], verbose=False)
    assert [part["orders"] for part in other["ensembles"]] == [2]
    assert (tmp_path / "mine" / "results.json").read_text() == written


def test_a_model_with_latents_is_measured_by_the_recipe_s_numbers_of_draws_and_called_a_bound(
    tmp_path,
):
    images = np.random.default_rng(0).integers(0, 2, (5, 4, 4, 1)).astype("uint8")
    np.savez(tmp_path / "mine.npz", test=images)
    options = {"levels": 2, "filters": 2, "num_blocks": 1, "encoder_filters": (2,)}
    model = PixelVAE((4, 4, 1), **options)
    save(model, tmp_path / "mine", metadata={})
    recipe = _RECIPE.format(path=tmp_path / "mine.npz")
    recipe = recipe.replace('"DeepNADE"', '"PixelVAE"').replace("orders", "importance_samples")
    recipe = recipe.replace("event_size = 6\nunits = [5]", "image_shape = [4, 4, 1]")
    (tmp_path / "mine" / "recipe.toml").write_text(recipe)
    results = evaluate_folder(tmp_path / "mine", verbose=False)
    wanted = [-np.mean(model.log_prob(images, importance_samples=number)) for number in (1, 3)]
    found = [part["nats_per_image"] for part in results["ensembles"]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert results["is_bound"] and results["value"] == found[1]
    assert results["protocol"].startswith("lower bound of the log-likelihood of every example")
    assert "3 draws of the latents" in results["protocol"]
    one, three = (f"≤ {value:.2f} nats" for value in found)
    assert format_measured(results).startswith(f"{one} (1 draw), {three} (3 draws) ±")
    other = evaluate_folder(tmp_path / "mine", importance_samples=[2], verbose=False)
    assert [part["importance_samples"] for part in other["ensembles"]] == [2]
    with pytest.raises(ValueError, match="mine is a PixelVAE: it has no orders"):
        evaluate_folder(tmp_path / "mine", orders=[2], verbose=False)


def test_masks_and_orders_of_a_made_are_stored_whole_beside_float16_weights(tmp_path):
    model = MADE(300, units=(9,), num_masks=2, shuffles_order=True, seed=5)
    save(model, tmp_path, metadata={}, float16=True)
    loaded = keras_ar.zoo.load(tmp_path)
    for component in range(2):
        np.testing.assert_array_equal(loaded.order_of(component), model.order_of(component))
