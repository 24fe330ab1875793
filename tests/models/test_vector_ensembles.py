"""Ensembles over orders and masks, and the objective that trains them."""

from itertools import permutations

import keras
import numpy as np
import pytest
from checks import all_images, random_images, randomized, to_numpy
from keras import ops
from variants import shared_model
from vector_variants import VECTOR_VARIANTS

from keras_ar.models import DeepNADE


@pytest.mark.parametrize("name", ["deepnade_binary", "convnade_colour"])
def test_an_ensemble_is_the_mean_of_probabilities_under_each_order(name):
    model = shared_model(VECTOR_VARIANTS[name])
    size = model.num_dimensions
    rng = np.random.default_rng(0)
    orders = np.stack([rng.permutation(size) for _ in range(3)])
    images = random_images(model, 5)
    each = np.stack([to_numpy(model.log_prob(images, orders=order)) for order in orders])
    assert np.abs(each - each[0]).max() > 1e-3
    together = to_numpy(model.log_prob(images, orders=orders))
    np.testing.assert_allclose(together, np.log(np.mean(np.exp(each), axis=0)), rtol=1e-5)
    assert np.all(together >= each.mean(axis=0))
    check_normalised_under = np.exp(to_numpy(model.log_prob(all_images(model), orders=3)))
    assert abs(check_normalised_under.astype("float64").sum() - 1.0) < 2e-5


def test_one_order_is_the_one_in_which_samples_are_drawn_and_begins_every_list():
    model = shared_model(VECTOR_VARIANTS["deepnade_binary"])
    images = random_images(model, 3)
    first = model.order_of(0)
    assert sorted(first) == list(range(7)) != list(first)
    alone = to_numpy(model.log_prob(images, orders=first))
    np.testing.assert_array_equal(to_numpy(model.log_prob(images)), alone)
    second = to_numpy(model.log_prob(images, orders=model.order_of(1)))
    both = to_numpy(model.log_prob(images, orders=2))
    np.testing.assert_allclose(both, np.logaddexp(alone, second) - np.log(2.0), rtol=1e-5)


def test_made_averages_the_probabilities_of_its_masks():
    model = shared_model(VECTOR_VARIANTS["made_masks"])
    images = random_images(model, 5)
    values = images.reshape(5, -1).astype("int32")
    each = []
    for component in range(3):
        parameters = model.component_parameters(ops.convert_to_tensor(values), None, component)
        per_value = model.value_likelihood.log_prob(parameters, values[..., None])
        each.append(to_numpy(per_value).sum(axis=1))
    assert np.abs(each[0] - each[1]).max() > 1e-3
    wanted = np.log(np.mean(np.exp(each), axis=0))
    np.testing.assert_allclose(to_numpy(model.log_prob(images)), wanted, rtol=1e-5)
    assert len({tuple(model.order_of(k)) for k in range(3)}) == 3
    np.testing.assert_array_equal(model.order_of(0), np.arange(6))


def test_training_of_a_made_uses_all_of_its_masks():
    model = shared_model(VECTOR_VARIANTS["made_masks"])
    images = ops.convert_to_tensor(random_images(model, 2))
    drawn = {to_numpy(model(images, training=True)).tobytes() for _ in range(30)}
    assert len(drawn) == 3
    assert len({to_numpy(model(images)).tobytes() for _ in range(5)}) == 1


def test_the_loss_of_an_orderless_model_estimates_the_mean_over_all_orders():
    model = randomized(lambda: DeepNADE(4, units=6, activation="tanh"))
    images = random_images(model, 1)
    orders = np.array(list(permutations(range(4))))
    each = [-float(to_numpy(model.log_prob(images, orders=order))[0]) for order in orders]
    many = ops.convert_to_tensor(np.repeat(images, 20_000, axis=0))
    losses = to_numpy(model.training_nats(model(many), many))
    error = losses.std() / np.sqrt(len(losses))
    assert error < 0.02 * np.mean(each)
    assert abs(losses.mean() - np.mean(each)) < 4 * error


def test_half_seen_values_give_their_conditional_laws():
    pytest.importorskip("tensorflow_probability")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow Probability distributions need the TensorFlow backend.")
    model = shared_model(VECTOR_VARIANTS["deepnade_levels"])
    images = random_images(model, 2)
    law = model.conditionals(images, np.array([[True, False]]))
    assert law.batch_shape == (2, 1, 2, 2)
    # The law of the first unseen value in an order that starts with the seen ones.
    order = np.array([0, 1, 2, 3])
    along = model.sampler.parameters_along(
        images.reshape(2, 4).astype("int32"), np.tile(order, (2, 1)), 0
    )
    wanted = to_numpy(ops.softmax(along))[:, 2]
    np.testing.assert_allclose(law.probs_parameter().numpy()[:, 0, 1, 0], wanted, rtol=1e-5)
