"""A tiny model in a folder, and a Hub on loopback."""

import logging
import pathlib
import shutil

import huggingface_hub
import keras
import pytest
from hub_server import HubServer
from huggingface_hub import constants
from registration import REPO, register

import keras_ar
from keras_ar.zoo.preset import save
from keras_ar.zoo.variant import Variant


def _tiny_model() -> keras_ar.PixelCNN:
    keras.utils.set_random_seed(1)
    return keras_ar.PixelCNN(
        (4, 4, 1), levels=2, filters=4, num_blocks=1, head_filters=4, name="tiny"
    )


@pytest.fixture
def tiny_model():
    return _tiny_model()


@pytest.fixture(scope="session")
def saved_folder(tmp_path_factory) -> pathlib.Path:
    """The tiny model in a folder that nobody changes."""
    return save(_tiny_model(), tmp_path_factory.mktemp("saved"))


@pytest.fixture
def tiny_folder(saved_folder, tmp_path):
    return shutil.copytree(saved_folder, tmp_path / "tiny")


@pytest.fixture(scope="session")
def _saved_shards(tmp_path_factory) -> pathlib.Path:
    return save(_tiny_model(), tmp_path_factory.mktemp("shards"), shard_megabytes=0.035)


@pytest.fixture
def sharded_folder(_saved_shards, tmp_path):
    """The tiny model with its weights in several files."""
    return shutil.copytree(_saved_shards, tmp_path / "shards")


@pytest.fixture(scope="session")
def tiny_files(saved_folder) -> dict[str, bytes]:
    """The files of a published folder."""
    files = {path.name: path.read_bytes() for path in saved_folder.iterdir()}
    return files | {"README.md": b"---\nlicense: apache-2.0\n---\n"}


@pytest.fixture
def server():
    running = HubServer()
    yield running
    running.close()


class _NoWaiting:
    """Stand in for the module ``time`` where the client waits between two attempts."""

    @staticmethod
    def sleep(seconds: float) -> None:
        pass


@pytest.fixture
def hub(server, tmp_path, monkeypatch):
    """Let the client of this process talk to the loopback server and use an empty cache."""
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    for name, value in {
        "ENDPOINT": server.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
    }.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.setattr("huggingface_hub.utils._http.time", _NoWaiting)
    monkeypatch.setattr("huggingface_hub.file_download.time", _NoWaiting)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    yield server
    huggingface_hub.close_session()
    logging.getLogger("huggingface_hub").setLevel(logging.NOTSET)


@pytest.fixture
def published(hub, tiny_files, monkeypatch) -> Variant:
    """Publish a tiny variant on the loopback Hub and register it as ``tiny``."""
    commit = hub.add(REPO, tiny_files)
    return register(monkeypatch, tiny_files, commit)
