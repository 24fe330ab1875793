"""Several processes, a killed process, and the Hub's environment variables, all for real."""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from fault_cases import assert_plain, fault
from hub_server import HubServer
from registration import REPO, digests_of

import keras_ar

SCRIPT = pathlib.Path(__file__).with_name("loader_process.py")


class _Loaders:
    """A process that loads the tiny variant in children of its own, on demand."""

    def __init__(self, server: HubServer, files: dict[str, bytes], home: pathlib.Path, **variables):
        commit = server.add(REPO, files)
        environment = {
            **{name: x for name, x in os.environ.items() if not name.startswith("HF_")},
            "HF_HOME": str(home),
            "HF_ENDPOINT": server.url,
            "HF_HUB_DISABLE_XET": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            **variables,
        }
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), commit, *digests_of(files)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def start(self, count: int) -> list[int]:
        """Start to load; return the children."""
        print(count, file=self._process.stdin, flush=True)
        return [int(pid) for pid in self._process.stdout.readline().split()]

    def finish(self) -> list[str]:
        """Wait for the children; return what they printed."""
        lines = []
        while (line := self._process.stdout.readline().strip()) != "done":
            assert line, "the loading process died"
            lines.append(line)
        return lines

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running_server():
    server = HubServer()
    yield server
    server.close()


@pytest.fixture
def server(running_server, home):
    """The Hub without faults, and no cache."""
    running_server.faults.clear()
    running_server.log.clear()
    shutil.rmtree(home, ignore_errors=True)
    return running_server


@pytest.fixture(scope="module")
def loaders(running_server, tiny_files, home):
    running = _Loaders(running_server, tiny_files, home)
    yield running
    running.close()


@pytest.fixture(scope="module")
def offline_loaders(running_server, tiny_files, home):
    running = _Loaders(running_server, tiny_files, home, HF_HUB_OFFLINE="1")
    yield running
    running.close()


@pytest.fixture(scope="module")
def expected(tiny_files, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("expected")
    for name, data in tiny_files.items():
        (folder / name).write_bytes(data)
    weights = keras_ar.zoo.load(folder).get_weights()
    return hashlib.sha256(b"".join(w.tobytes() for w in weights)).hexdigest()


@pytest.mark.slow
@fault("Processes", "eight processes load the same variant at once, nothing cached")
def test_eight_processes_load_the_same_variant_at_once(server, loaders, expected, home):
    loaders.start(8)
    assert loaders.finish() == [expected] * 8
    # The client's lock: one of them downloads, the others wait for it.
    assert len(server.requests("GET /store/")) == 1
    assert not list(home.rglob("*.incomplete"))


@fault("Processes", "kill -9 in the middle of the weights, then a clean load")
def test_after_a_kill_in_the_middle_of_the_weights_the_next_load_is_clean(
    server, loaders, expected
):
    halfway, leave = threading.Event(), threading.Event()

    def stall(handler, body) -> None:
        handler.reply(200, body[: len(body) // 2], Content_Length=len(body))
        halfway.set()
        leave.wait(60)
        handler.close_connection = True

    server.fail("GET /store/", stall, times=1)
    [victim] = loaders.start(1)
    assert halfway.wait(60)
    os.kill(victim, signal.SIGKILL)
    assert loaders.finish() == []
    leave.set()
    loaders.start(1)
    assert loaders.finish() == [expected]


@fault("Processes", "offline, nothing cached, in a process of its own")
@fault("Processes", "offline, cached by another process")
def test_a_process_that_is_offline_loads_what_another_one_cached(
    server, loaders, offline_loaders, expected
):
    offline_loaders.start(1)
    [line] = offline_loaders.finish()
    kind, _, sentence = line.partition(": ")
    assert kind == "ConnectionError"
    assert "HF_HUB_OFFLINE" in assert_plain(Exception(sentence))
    assert server.log == []
    loaders.start(1)
    loaders.finish()
    server.log.clear()
    offline_loaders.start(1)
    assert offline_loaders.finish() == [expected]
    assert server.log == []
