"""Whatever config.json says: nothing is executed, nothing large is built, one plain sentence."""

import importlib
import json
import os
import pathlib
import subprocess

import keras
import pytest
from fault_cases import assert_plain, fault, faults
from refusal import MEMORY, TEXTS, forget_peak, peak, refuse

import keras_ar
from keras_ar.zoo.preset import load_folder


def _config(folder: pathlib.Path) -> dict:
    return json.loads((folder / "config.json").read_text())


def _write(folder: pathlib.Path, config) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def _change_arguments(folder: pathlib.Path, changes: dict) -> None:
    config = _config(folder)
    _write(folder, config | {"config": config["config"] | changes})


_LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"function": {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}}},
    "registered_name": None,
}
_OBJECTS = {
    "a Lambda layer": _LAMBDA,
    "a Keras model with a Lambda layer": {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"layers": [_LAMBDA]},
        "registered_name": None,
    },
    "an unregistered class": {"class_name": "Mine", "config": {}, "registered_name": "mine>Mine"},
    "an unregistered class that says it is ours": {
        "module": "keras_ar.models",
        "class_name": "Evil",
        "config": {},
        "registered_name": "keras_ar>Evil",
    },
    "a layer of ours": {
        "module": "keras_ar.layers",
        "class_name": "MaskedConv2D",
        "config": {},
        "registered_name": "keras_ar>MaskedConv2D",
    },
    "a function of Python": {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    },
    "a class of Python": {
        "module": "subprocess",
        "class_name": "Popen",
        "config": {"args": ["touch", "/tmp/evil"]},
        "registered_name": "Popen",
    },
    "a class of TensorFlow": {
        "module": "tensorflow",
        "class_name": "Module",
        "config": {},
        "registered_name": None,
    },
    "a module that runs something when imported": {
        "module": "antigravity",
        "class_name": "PixelCNN",
        "config": {},
        "registered_name": "antigravity>PixelCNN",
    },
    "a Keras function that reads files": {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
        "registered_name": "get_file",
    },
    "a Keras model": {"module": "keras", "class_name": "Model", "config": {}},
    "the base class": {
        "module": "keras_ar",
        "class_name": "AutoregressiveModel",
        "config": {},
        "registered_name": "keras_ar>AutoregressiveModel",
    },
    "a number for a name": {"class_name": 3, "config": {}, "registered_name": 3},
    "a list for a name": {"class_name": [], "config": {}, "registered_name": ["keras_ar>PixelCNN"]},
    "nothing": {},
}


@faults("config.json names something else", _OBJECTS)
def test_what_is_no_model_of_ours_is_refused_and_not_run(tiny_folder, monkeypatch, case):
    def forbidden(*arguments, **options):
        raise AssertionError(f"Something was run: {arguments}")

    monkeypatch.setattr(importlib, "import_module", forbidden)
    monkeypatch.setattr(os, "system", forbidden)
    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(keras.utils, "get_file", forbidden)
    _write(tiny_folder, case)
    refuse(tiny_folder, "not a model of keras_ar")
    assert not os.path.exists("/tmp/evil")


@fault("config.json names something else", "our model, in a module that is not ours")
def test_the_module_of_a_config_is_never_imported(tiny_folder, monkeypatch):
    imported = []
    monkeypatch.setattr(importlib, "import_module", imported.append)
    _write(tiny_folder, _config(tiny_folder) | {"module": "antigravity", "class_name": "Evil"})
    assert type(load_folder(tiny_folder)) is keras_ar.PixelCNN
    assert imported == []


_ARGUMENTS = {
    "a Lambda layer for an argument": {"filters": _LAMBDA},
    "a Lambda layer in a list": {"image_shape": [4, 4, _LAMBDA]},
    "an object for a name": {"name": {"class_name": "__lambda__", "config": {"value": "x"}}},
    "a tensor": {"filters": {"class_name": "__tensor__", "config": {"value": [4]}}},
}


@faults("config.json has bad arguments", _ARGUMENTS)
def test_an_object_for_an_argument_is_refused(tiny_folder, case):
    _change_arguments(tiny_folder, case)
    refuse(tiny_folder, "plain values only")


_VALUES = {
    "a string for a number": {"filters": "many"},
    "a fraction for a number": {"filters": 2.5},
    "a negative number": {"filters": -4},
    "zero": {"filters": 0},
    "nothing for a number": {"filters": None},
    "truth for a shape": {"image_shape": True},
    "a shape with one side": {"image_shape": [4]},
    "an empty shape": {"image_shape": []},
    "a deep shape": {"image_shape": [[4], [4], [1]]},
    "an unknown argument": {"evil": 1},
    "an argument of Python": {"__class__": "Evil"},
    "a slash in the name": {"name": "../../evil"},
    "infinity": {"levels": float("inf")},
    "not a number": {"levels": float("nan")},
    "no levels": {"levels": 0},
}


@faults("config.json has bad arguments", _VALUES)
def test_arguments_that_make_no_network_are_one_sentence(tiny_folder, case):
    _change_arguments(tiny_folder, case)
    refuse(tiny_folder, "config.json")


_SIZES = {
    "ten million filters": {"filters": 10_000_000},
    "a hundred thousand filters": {"filters": 100_000},
    "a billion blocks": {"num_blocks": 1_000_000_000},
    "a thousand blocks": {"num_blocks": 1_000},
    "a kernel of a million": {"kernel_size": 1_000_001},
    "a hidden layer of a billion": {"head_filters": 1_000_000_000},
    "a billion levels": {"levels": 1_000_000_000},
    "a number of forty digits": {"filters": 10**40},
    "twice the filters": {"filters": 8},
    "one block more": {"num_blocks": 2},
    "one block less": {"num_blocks": 0},
    "more colours": {"image_shape": [4, 4, 3]},
}


@faults("config.json asks for another size than the weights have", _SIZES)
def test_a_network_of_another_size_is_refused_before_it_is_built(tiny_folder, case):
    _change_arguments(tiny_folder, case)
    refuse(tiny_folder, "config.json")


@fault("config.json asks for another size than the weights have", "then the next model is whole")
def test_a_refused_network_leaves_nothing_to_be_filled_later(tiny_folder):
    _change_arguments(tiny_folder, {"filters": 100_000})
    refuse(tiny_folder, "config.json")
    forget_peak()
    before = peak()
    # Leaving such a scope fills every variable that this thread still owes a value.
    with keras.StatelessScope():
        keras.layers.Dense(2).build((None, 3))
    assert peak() - before < MEMORY


@faults("config.json is no config", TEXTS)
def test_a_config_that_is_none_is_one_sentence(tiny_folder, case):
    (tiny_folder / "config.json").write_bytes(case)
    refuse(tiny_folder, "config.json")


@faults("metadata.json is bad", TEXTS | {"a hash that is none": b'{"weights_sha256": [1]}'})
def test_bad_metadata_is_one_sentence_or_harmless(tiny_folder, case):
    (tiny_folder / "metadata.json").write_bytes(case)
    if case.startswith(b'{"weights'):
        keras_ar.zoo.load(tiny_folder)
        return
    with pytest.raises(ValueError) as caught:
        keras_ar.zoo.load(tiny_folder)
    assert "metadata.json" in assert_plain(caught.value)
