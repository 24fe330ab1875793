"""Whatever the Hub, the network or the disk do: a right model, or one plain sentence."""

import errno
import os
import pathlib
import time

import huggingface_hub
import numpy as np
import pytest
from densities import log_prob
from fault_cases import assert_plain, fault, faults
from huggingface_hub import constants
from registration import REPO

import keras_ar


def _files(folder: str) -> list[pathlib.Path]:
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


def _half_written() -> list[pathlib.Path]:
    """Files that are no blob, no link and no note of the client's."""
    return [p for p in _files(constants.HF_HUB_CACHE) if p.suffix in (".incomplete", ".tmp")]


def _weights_in_cache() -> list[pathlib.Path]:
    return [p for p in _files(constants.HF_HUB_CACHE) if p.stat().st_size > 10_000]


def _fails(kind: type[Exception], *words: str, name: str = "tiny") -> None:
    with pytest.raises(kind) as caught:
        keras_ar.zoo.load(name)
    sentence = assert_plain(caught.value)
    for word in words:
        assert word in sentence, sentence
    assert _half_written() == []


def _answer(status: int, **headers):
    return lambda handler, body: handler.reply(status, b"no", **headers)


def _drop(handler, body) -> None:
    handler.close_connection = True
    handler.connection.shutdown(2)


def _cut(handler, body) -> None:
    """Announce the whole file, send half of it, and hang up."""
    handler.reply(200, body[: len(body) // 2], Content_Length=len(body))
    _drop(handler, body)


def _trickle(handler, body) -> None:
    handler.reply(200, Content_Length=len(body))
    for start in range(0, len(body), 4096):
        handler.wfile.write(body[start : start + 4096])
        handler.wfile.flush()
        time.sleep(0.002)


def _hang(handler, body) -> None:
    time.sleep(0.5)
    _drop(handler, body)


_REFUSALS = {
    "status 401 for the first question": ("HEAD", _answer(401), FileNotFoundError, "hf auth"),
    "status 401, bad token": (
        "HEAD",
        _answer(401, X_Error_Message="Invalid credentials in Authorization header"),
        FileNotFoundError,
        "HF_TOKEN",
    ),
    "status 403, gated": (
        "HEAD",
        _answer(403, X_Error_Code="GatedRepo"),
        PermissionError,
        "ask for access",
    ),
    "status 403 for the files": ("HEAD|/store/", _answer(403), PermissionError, "hf auth login"),
    "status 404, no repository": (
        "HEAD",
        _answer(404, X_Error_Code="RepoNotFound"),
        FileNotFoundError,
        "check the name",
    ),
    "status 404, no revision": (
        "HEAD",
        _answer(404, X_Error_Code="RevisionNotFound"),
        FileNotFoundError,
        "revision",
    ),
    "status 404, the weights are gone": (
        "HEAD .*h5",
        _answer(404, X_Error_Code="EntryNotFound"),
        FileNotFoundError,
        "lacks a file",
    ),
    "status 404, the store lost the weights": (
        "/store/",
        _answer(404),
        FileNotFoundError,
        "check the name",
    ),
    "status 429 for the first question": ("HEAD", _answer(429), ConnectionError, "some minutes"),
    "status 429 for the weights": ("/store/", _answer(429), ConnectionError, "some minutes"),
    "status 429 with Retry-After": (
        "/store/",
        _answer(429, Retry_After=3),
        ConnectionError,
        "some minutes",
    ),
    "status 500 for the first question": ("HEAD", _answer(500), ConnectionError, "later"),
    "status 500 for the weights": ("/store/", _answer(500), ConnectionError, "later"),
    "status 503 for everything": (".*", _answer(503), ConnectionError, "status 503"),
    "an answer that is not the Hub's": (
        "HEAD",
        lambda handler, body: handler.reply(200, b"<html>Log in to the wifi</html>"),
        OSError,
        "again",
    ),
    "a redirect in circles": (
        "HEAD|/store/",
        lambda handler, body: handler.reply(302, Location=handler.path),
        OSError,
        "again",
    ),
    "connections dropped without an answer": (".*", _drop, ConnectionError, "broke off"),
    "the connection dropped for every try of the weights": (
        "/store/",
        _drop,
        ConnectionError,
        "broke off",
    ),
    "files without an ETag": (
        "HEAD",
        lambda handler, body: handler.reply(200, X_Repo_Commit="0" * 40),
        OSError,
        "again",
    ),
    "files without a commit": (
        "HEAD",
        lambda handler, body: handler.reply(200, ETag='"abc"'),
        OSError,
        "again",
    ),
}


@faults("The server refuses, fails or answers nonsense", _REFUSALS)
def test_what_the_server_refuses_is_one_sentence(published, hub, case):
    pattern, act, kind, word = case
    hub.fail(pattern, act)
    _fails(kind, word)
    assert _weights_in_cache() == []
    hub.faults.clear()
    keras_ar.zoo.load("tiny")


_PASSING = {
    "status 500 twice, then an answer": ("HEAD", _answer(500), 2),
    "status 429 twice for the weights": ("/store/", _answer(429), 2),
    "the connection dropped once": ("/store/", _drop, 1),
    "the weights a little at a time": ("/store/", _trickle, 1),
}


@faults("The network comes and goes", _PASSING)
def test_a_fault_that_passes_is_outlasted(published, hub, tiny_folder, case):
    pattern, act, times = case
    hub.fail(pattern, act, times)
    expected = log_prob(tiny_folder)
    assert np.array_equal(log_prob("tiny"), expected)
    assert _half_written() == []


@fault("The network comes and goes", "the connection cut in the middle of the weights")
def test_a_download_that_was_cut_is_resumed_where_it_stopped(
    published, hub, tiny_files, monkeypatch
):
    # The client passes on 10 MB at a time, more than this file has.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    hub.fail("GET /store/", _cut, times=1)
    keras_ar.zoo.load("tiny")
    size = len(tiny_files["model.weights.h5"])
    first, second = hub.requests("GET /store/")
    assert "bytes" not in first
    start = int(second.partition("bytes=")[2].rstrip("-"))
    assert 0 < start <= size // 2
    assert _half_written() == []


_TIMEOUTS = {
    "no answer to the first question": "HEAD",
    "no answer about the weights": "HEAD .*h5",
    "no byte of the weights": "GET /store/",
}


@faults("The server is slow", _TIMEOUTS)
def test_a_server_that_does_not_answer_is_given_up(published, hub, monkeypatch, case):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.05)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    monkeypatch.setattr("huggingface_hub.file_download._ETAG_RETRY_TIMEOUT", 0.05)
    hub.fail(case, _hang)
    _fails(TimeoutError, "HF_HUB_DOWNLOAD_TIMEOUT")


_ABSENT = {
    "offline": lambda hub, patch: patch.setattr(constants, "HF_HUB_OFFLINE", True),
    "the server is down": lambda hub, patch: hub.close(),
    "the server fails": lambda hub, patch: hub.fail(".*", _answer(500)),
    "the server's name is unknown": lambda hub, patch: _point_nowhere(patch),
}
_ADDRESSES = {"a registered name": "tiny", "an address": f"hf://{REPO}", "a tag": f"hf://{REPO}@v1"}


def _point_nowhere(patch) -> None:
    url = "http://nowhere.invalid"
    patch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def _with_addresses(cases: dict) -> dict:
    return {
        f"{why}, {what}": (act, name)
        for why, act in cases.items()
        for what, name in _ADDRESSES.items()
    }


@faults("No Hub, model in the cache", _with_addresses(_ABSENT))
def test_what_is_cached_loads_without_the_hub(published, hub, tiny_files, monkeypatch, case):
    act, name = case
    hub.add(REPO, tiny_files, "v1")
    expected = log_prob(name)
    act(hub, monkeypatch)
    huggingface_hub.close_session()
    assert np.array_equal(log_prob(name), expected)


@faults("No Hub, model not in the cache", _with_addresses(_ABSENT))
def test_what_is_not_cached_is_one_sentence_without_the_hub(published, hub, monkeypatch, case):
    act, name = case
    act(hub, monkeypatch)
    _fails(ConnectionError, "tiny", name=name)


def _altered(body: bytes) -> bytes:
    return body[:-4] + b"evil"


_ALTERED = {
    "weights altered on the way": ("/store/", _altered),
    "weights replaced by zeros": ("/store/", lambda body: bytes(len(body))),
    "weights replaced by a page of the wifi": (
        "/store/",
        lambda body: b"<html>".ljust(len(body), b" "),
    ),
}


@faults("Weights truncated or altered", _ALTERED)
def test_weights_that_are_not_the_published_ones_are_refused_and_removed(published, hub, case):
    pattern, change = case
    hub.fail(f"GET {pattern}", lambda handler, body: handler.reply(200, change(body)))
    _fails(ValueError, "another sha256", "removed from the cache")
    assert _weights_in_cache() == []
    hub.faults.clear()
    keras_ar.zoo.load("tiny")


_TRUNCATED = {
    "weights shorter than the Hub says": lambda body: body[:-1000],
    "weights longer than the Hub says": lambda body: body + bytes(1000),
    "no weights at all": lambda body: b"",
}


@faults("Weights truncated or altered", _TRUNCATED)
def test_weights_of_another_size_are_refused_and_not_kept(published, hub, case):
    hub.fail("GET /store/", lambda handler, body: handler.reply(200, case(body)))
    _fails(ConnectionError, "broke off")
    assert _weights_in_cache() == []
    hub.faults.clear()
    keras_ar.zoo.load("tiny")


_DAMAGED = {
    "one bit of the cached weights": ("model.weights.h5", lambda data: data[:-1] + b"\x01"),
    "the cached weights cut short": ("model.weights.h5", lambda data: data[: len(data) // 2]),
    "the cached weights emptied": ("model.weights.h5", lambda data: b""),
    "the cached config changed": ("config.json", lambda data: data.replace(b"4", b"8")),
}


@faults("The cache is damaged", _DAMAGED)
def test_a_damaged_cache_is_noticed_removed_and_filled_again(published, hub, case):
    keras_ar.zoo.load("tiny")
    name, change = case
    path = keras_ar.zoo.find_folder("tiny") / name
    data = path.read_bytes()
    path.write_bytes(change(data))
    assert path.read_bytes() != data
    _fails(ValueError, "another sha256", "removed from the cache")
    keras_ar.zoo.load("tiny")
    assert path.read_bytes() == data


_MISSING = {"weights": "model.weights.h5", "config": "config.json", "metadata": "metadata.json"}


@faults("The cache is damaged", {f"the cached {x} deleted": n for x, n in _MISSING.items()})
def test_what_is_missing_in_the_cache_is_fetched_again(published, hub, case):
    keras_ar.zoo.load("tiny")
    path = keras_ar.zoo.find_folder("tiny") / case
    path.resolve().unlink()
    path.unlink()
    keras_ar.zoo.load("tiny")
    assert path.is_file()


@fault("Weights truncated or altered", "a damaged file that another revision shares")
def test_a_damaged_file_goes_even_if_another_revision_has_it_too(published, hub, tiny_files):
    hub.add(REPO, {**tiny_files, "README.md": b"changed"}, "v2")
    keras_ar.zoo.load("tiny")
    keras_ar.zoo.load(f"hf://{REPO}@v2")
    path = keras_ar.zoo.find_folder("tiny") / "model.weights.h5"
    path.write_bytes(_altered(path.read_bytes()))
    _fails(ValueError, "another sha256")
    keras_ar.zoo.load("tiny")
    keras_ar.zoo.load(f"hf://{REPO}@v2")


class _FullDisk:
    """A file on a disk with room for 1,000 bytes."""

    def __init__(self, file):
        self._file, self._left = file, 1_000

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


@fault("The disk", "full while the weights are written")
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(published, monkeypatch):
    get = huggingface_hub.file_download.http_get
    monkeypatch.setattr(
        "huggingface_hub.file_download.http_get",
        lambda url, file, **options: get(url, _FullDisk(file), **options),
    )
    _fails(OSError, "The disk is full", "HF_HOME")
    assert _weights_in_cache() == []
    monkeypatch.undo()


@fault("The disk", "the cache is not writable")
def test_a_cache_that_cannot_be_written_is_one_sentence(published, monkeypatch, tmp_path):
    # A file where the cache should be: refuses root too, whom no permission stops.
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "cache"))
    _fails(PermissionError, "cannot be written", "HF_HOME")
