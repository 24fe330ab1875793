"""Links, pipes and devices in a folder, and what the code must never contain."""

import hashlib
import os
import pathlib
import re

import numpy as np
import pytest
from fault_cases import assert_plain, fault, faults
from refusal import refuse
from registration import REPO

import keras_ar
from keras_ar.zoo.model_files import sha256_of
from keras_ar.zoo.preset import load_folder

_FILES = ("config.json", "model.weights.h5", "metadata.json")


def _link_out(folder, name):
    outside = folder.parent / f"outside_{name}"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)


def _link_to_device(folder, name):
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")


def _link_in_circle(folder, name):
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)


def _link_to_secret(folder, name):
    (folder / name).unlink()
    (folder / name).symlink_to("/etc/passwd")


def _fifo(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)


def _directory(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()


KINDS = {
    "a link to a file outside": _link_out,
    "a link to a device": _link_to_device,
    "a link to itself": _link_in_circle,
    "a link to a file of the system": _link_to_secret,
    "a pipe": _fifo,
    "a folder": _directory,
}


@faults(
    "Files that are no files",
    {f"{n} is {x}": (act, n) for x, act in KINDS.items() for n in _FILES},
)
def test_what_is_no_file_of_the_folder_is_refused(tiny_folder, case):
    act, name = case
    act(tiny_folder, name)
    with pytest.raises(ValueError) as caught:
        keras_ar.zoo.load(tiny_folder)
    assert name in assert_plain(caught.value)


@faults("Files that are no files", {f"{name} is missing": name for name in _FILES[:2]})
def test_a_missing_file_is_named(tiny_folder, case):
    (tiny_folder / case).unlink()
    refuse(tiny_folder, f"it has no {case}", kind=FileNotFoundError)


def _no_limits(folder: pathlib.Path) -> None:
    """Point links of a folder out of the cache: a snapshot may link to its blobs only."""
    secret = folder.parents[4] / "secret.json"
    (folder / "config.json").resolve().rename(secret)
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(secret)


@fault("Files that are no files", "a link in the cache leads out of the cache")
def test_a_link_of_the_cache_may_lead_to_its_blobs_only(hub, tiny_files):
    hub.add(REPO, tiny_files)
    folder = keras_ar.zoo.find_folder(f"hf://{REPO}")
    assert (folder / "config.json").is_symlink()
    load_folder(folder)
    _no_limits(folder)
    refuse(folder, "leads out of the folder")


@fault("Files that are no files", "saving into a folder whose files are links")
def test_saving_writes_through_no_link(tiny_model, tiny_folder):
    outside = tiny_folder.parent / "outside"
    outside.write_text("mine")
    (tiny_folder / "config.json").unlink()
    (tiny_folder / "config.json").symlink_to(outside)
    keras_ar.zoo.save(tiny_model, tiny_folder)
    assert outside.read_text() == "mine"
    assert not (tiny_folder / "config.json").is_symlink()


def test_no_pickle_and_no_unsafe_mode_anywhere():
    root = pathlib.Path(keras_ar.__file__).parents[1]
    forbidden = r"import pickle|allow_pickle=True|safe_mode=False|enable_unsafe|(?<![\w.])eval\("
    for path in [*root.glob("keras_ar/**/*.py"), *root.glob("scripts/**/*.py")]:
        assert not re.search(forbidden, path.read_text()), path


def test_the_hash_of_a_large_file_is_that_of_its_bytes(tmp_path):
    data = np.random.default_rng(0).bytes(1 << 20)
    (tmp_path / "file").write_bytes(data)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()
