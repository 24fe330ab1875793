"""Names lead to models, wrong names to the nearest ones."""

import json
import math
import pathlib
import time

import numpy as np
import pytest
from marks import marked
from zoo_variants import ONE_OF_EACH_KIND

import keras_ar
from keras_ar.training import read_recipe
from keras_ar.zoo.model_files import sha256_of

VARIANTS = keras_ar.zoo.list()


def test_every_variant_of_the_repository_is_bundled():
    folders = (pathlib.Path(__file__).parents[2] / "zoo").glob("*/config.json")
    assert sorted(path.parent.name for path in folders) == VARIANTS
    assert {"nade_binarized_mnist", "pixelcnn_binarized_mnist"} < set(VARIANTS)


@pytest.mark.parametrize("name", marked(VARIANTS, fast=ONE_OF_EACH_KIND))
def test_a_bundled_variant_loads_within_two_seconds_with_the_parameters_of_its_record(name):
    started = time.process_time()
    # Trained ones: the masks and degrees of a MADE are weights, and no parameters.
    trained = keras_ar.zoo.load(name).trainable_variables
    # Processor time: what other processes do must not decide this test.
    assert time.process_time() - started < 2.0
    assert keras_ar.zoo.REGISTRY[name].parameters == sum(math.prod(v.shape) for v in trained)


@pytest.mark.parametrize("name", VARIANTS)
def test_results_and_metadata_speak_of_the_weights_that_lie_there(name):
    folder = keras_ar.zoo.find_folder(name)
    metadata = json.loads((folder / "metadata.json").read_text())
    results = json.loads((folder / "results.json").read_text())
    digest = sha256_of(folder / "model.weights.h5")
    assert metadata["weights_sha256"] == results["weights_sha256"] == digest
    assert metadata["recipe_sha256"] == results["recipe_sha256"]
    assert metadata["golden_sha256"] == sha256_of(folder / "golden.npz")
    sizes = {"spoken_digit": 300, "tiny_shakespeare": 1}
    assert results["num_examples"] == sizes.get(results["dataset"], 10_000)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_recipe_beside_the_weights_is_the_one_they_were_trained_by(name):
    folder = keras_ar.zoo.find_folder(name)
    metadata = json.loads((folder / "metadata.json").read_text())
    assert read_recipe(folder).sha256 == metadata["recipe_sha256"]


def test_describe_tells_class_size_and_result():
    facts = keras_ar.zoo.describe("pixelcnn_binarized_mnist")
    assert facts["model_class"] == "PixelCNN"
    assert facts["metric"] == "nats_per_image"
    assert facts["parameters"] == keras_ar.zoo.load("pixelcnn_binarized_mnist").count_params()


def test_a_wrong_name_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="Nearest: pixelcnnpp_cifar10"):
        keras_ar.zoo.load("pixelcnnpp_cifar")
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        keras_ar.zoo.load(tmp_path)


def test_altered_weights_are_refused(tiny_folder):
    path = tiny_folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ValueError, match="another sha256"):
        keras_ar.zoo.load(tiny_folder)


def test_fine_tuning_a_pretrained_model_lowers_its_bits_per_dimension_on_new_images():
    from sklearn.datasets import load_digits

    # Real digits of another origin (8x8, 17 levels), enlarged and cut to black and white.
    small = load_digits().images[:256]
    digits = np.zeros((256, 28, 28, 1), np.uint8)
    digits[:, 2:26, 2:26, 0] = small.repeat(3, axis=1).repeat(3, axis=2) > 7
    model = keras_ar.zoo.load("pixelcnn_binarized_mnist")
    seen, unseen = digits[:192], digits[192:]
    before = np.mean(model.bits_per_dim(unseen))
    model.compile("adam")
    model.fit(seen, batch_size=32, epochs=2, verbose=0)
    assert np.mean(model.bits_per_dim(unseen)) < 0.9 * before
