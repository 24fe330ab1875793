"""No name leads out of the cache, and no name is asked for at a server that has no business."""

import os
import pathlib

import pytest
from fault_cases import assert_plain, faults
from huggingface_hub import constants
from registration import REPO

import keras_ar

_ADDRESSES = {
    "two dots for the organisation": "hf://../name",
    "two dots for the name": "hf://organisation/..",
    "two dots for both": "hf://../..",
    "many steps up": "hf://../../../../etc/passwd",
    "an absolute path": "hf:///etc/passwd",
    "no name": "hf://organisation",
    "nothing": "hf://",
    "a data set": "hf://datasets/organisation/name",
    "a file in a repository": f"hf://{REPO}/config.json",
    "a path out of a repository": f"hf://{REPO}/../../etc/passwd",
    "a revision with two dots": f"hf://{REPO}@..",
    "a revision that steps up, encoded": f"hf://{REPO}@..%2F..%2F..%2Fevil",
    "a revision that is an absolute path, encoded": f"hf://{REPO}@%2Fetc%2Fpasswd",
    "a revision that steps up after a good start": f"hf://{REPO}@main%2F..%2F..%2F..%2Fevil",
    "an empty revision": f"hf://{REPO}@",
    "a revision with a null byte": f"hf://{REPO}@main%00",
    "a name with a null byte": "hf://organisation/na\0me",
    "a name with a line break": "hf://organisation/na\nme",
    "a name with a user and a host": "hf://user@evil.example/organisation/name",
    "a very long name": f"hf://organisation/{'a' * 5_000}",
}


@faults("Names that lead elsewhere", _ADDRESSES)
def test_an_address_that_is_none_asks_nobody_and_writes_nothing(hub, case):
    with pytest.raises(ValueError) as caught:
        keras_ar.zoo.load(case)
    assert "hf://organisation/name" in assert_plain(caught.value)
    assert hub.log == []
    assert not pathlib.Path(constants.HF_HUB_CACHE).exists()


_NAMES = {
    "two dots before a registered name": "../tiny",
    "a registered name and two dots": "tiny/..",
    "a registered name with a slash": "tiny/",
    "a registered name in capitals": "TINY",
    "an absolute path that is not there": "/no/such/folder",
    "a file": __file__,
    "a device": "/dev/null",
    "an empty name": "",
    "a blank": " ",
    "a null byte": "ti\0ny",
    "a hundred thousand letters": "x" * 100_000,
    "another protocol": "https://example.com/model",
    "a file address": "file:///etc/passwd",
    "a Kaggle handle": "kaggle://keras/model",
}


@faults("Names that lead elsewhere", _NAMES)
def test_a_name_that_is_none_asks_nobody(published, hub, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        keras_ar.zoo.load(case)
    assert_plain(caught.value)
    assert hub.log == []


_LISTED = {
    "a file that steps up": "../../../../evil.json",
    "a file that steps up from assets": "assets/../../../../evil.json",
    "a file with an absolute path": "/tmp/evil.json",
    "a file with backslashes": "..\\..\\evil.json",
    "a config in another place": "../config.json",
}


@faults("Names that lead elsewhere", {f"the repository lists {x}": n for x, n in _LISTED.items()})
def test_files_that_a_repository_lists_are_not_followed(hub, tiny_files, tmp_path, case):
    hub.add(REPO, {**tiny_files, case: b"evil"})
    keras_ar.zoo.load(f"hf://{REPO}")
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    cache = pathlib.Path(constants.HF_HUB_CACHE)
    assert everything and all(path.is_relative_to(cache) for path in everything)
    assert not any(path.read_bytes() == b"evil" for path in everything)
    assert not os.path.exists("/tmp/evil.json")


_COMMITS = {
    "a commit that steps up": "../../../../evil",
    "a commit that is an absolute path": "/tmp/evil",
    "a commit that is a branch": "main",
    "an empty commit": "",
}


@faults("Names that lead elsewhere", {f"the server names {x}": n for x, n in _COMMITS.items()})
def test_a_commit_that_is_none_writes_nothing_outside_the_cache(hub, tiny_files, tmp_path, case):
    hub.add(REPO, tiny_files)
    hub.fail("HEAD", lambda handler, _: handler.reply(200, b"", ETag='"1"', X_Repo_Commit=case))
    with pytest.raises(OSError) as caught:
        keras_ar.zoo.load(f"hf://{REPO}")
    assert_plain(caught.value)
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(constants.HF_HUB_CACHE) for path in everything)
    assert not os.path.exists("/tmp/evil")
