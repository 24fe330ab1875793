"""Several processes train as one does, and go on after one of them was killed."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIPPED_AND_VARIED = {"learning_rate": "1e-2\nclip_norm = 0.5"}


@pytest.fixture
def recipe(write_recipe, tmp_path):
    """Return a function that writes a recipe for the script, with data in a file."""
    rng = np.random.default_rng(0)
    splits = {"train": 18, "validation": 6, "test": 6}
    data = {
        name: rng.integers(0, 4, (count, 4, 4, 1), dtype=np.uint8)
        for name, count in splits.items()
    }
    np.savez(tmp_path / "data.npz", **data)

    def write(**changes) -> pathlib.Path:
        path = write_recipe(**changes)
        path.write_text(path.read_text().replace('"random"', f'"{tmp_path / "data.npz"}"'))
        return path

    return write


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def environments(number: int) -> list[dict[str, str]]:
    """Return what each of several workers on this machine finds in its environment."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(number)]
    if keras.backend.backend() == "jax":
        return [
            {
                "KERAS_DISTRIBUTION_JOB_ADDRESSES": ",".join(addresses),
                "KERAS_DISTRIBUTION_NUM_PROCESSES": str(number),
                "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
            }
            for index in range(number)
        ]
    return [
        {
            "TF_CONFIG": json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            )
        }
        for index in range(number)
    ]


def start(recipe, work_dirs, *flags: str) -> list[subprocess.Popen]:
    """Start the script once for each work_dir; a single one trains alone."""
    given = environments(len(work_dirs)) if len(work_dirs) > 1 else [{}]
    base = {key: value for key, value in os.environ.items() if key != "TF_CONFIG"}
    base |= {
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": keras.backend.backend(),
        "PYTHONPATH": str(ROOT),
    }
    processes = []
    for index, (work_dir, environment) in enumerate(zip(work_dirs, given, strict=True)):
        work_dir.mkdir(exist_ok=True)
        command = [
            *(sys.executable, str(ROOT / "scripts" / "train.py"), f"--recipe={recipe}"),
            *(f"--work_dir={work_dir}", f"--output={work_dir.parent / 'output'}", *flags),
        ]
        with open(work_dir / f"log{index}.txt", "w") as log:
            processes.append(
                subprocess.Popen(
                    command, env=base | environment, stdout=log, stderr=subprocess.STDOUT
                )
            )
    return processes


def finish(processes, work_dirs, seconds: float = 240.0) -> list[str]:
    """Wait for all to end; return what they said, and end those that hang."""
    until = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return [
        (folder / f"log{index}.txt").read_text(errors="replace")
        for index, folder in enumerate(work_dirs)
    ]


def run(recipe, work_dir: pathlib.Path, number: int, *flags: str) -> dict[str, np.ndarray]:
    """Train to the end and return the variables of the checkpoint."""
    folders = [work_dir] * number
    processes = start(recipe, folders, *flags)
    said = finish(processes, folders)
    assert [process.returncode for process in processes] == [0] * number, "\n".join(said)
    return read_variables(work_dir)


def read_variables(work_dir: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(work_dir / "checkpoint.npz") as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def read_history(work_dir: pathlib.Path) -> list[tuple[float, ...]]:
    names = ("step", "train_bits_per_dim", "validation_bits_per_dim")
    lines = (work_dir / "history.jsonl").read_text().splitlines()
    return [tuple(json.loads(line)[name] for name in names) for line in lines]


def assert_equal_runs(one, other, tolerance: float = 1e-5):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
def test_two_workers_train_as_one_process_does_with_the_same_batches(recipe, tmp_path):
    path = recipe(**CLIPPED_AND_VARIED)
    alone = run(path, tmp_path / "alone", 1)
    together = run(path, tmp_path / "together", 2)
    assert_equal_runs(alone, together)
    expected = read_history(tmp_path / "alone")
    assert [line[0] for line in expected] == [3, 6, 7]
    np.testing.assert_allclose(read_history(tmp_path / "together"), expected, atol=1e-5)


@pytest.mark.slow
def test_after_a_worker_was_killed_all_end_and_a_restart_ends_with_the_same_weights(
    recipe, tmp_path
):
    path = recipe(steps="4000", steps_per_round="1000")
    straight = run(path, tmp_path / "straight", 2)
    folders = [tmp_path / "killed"] * 2
    processes = start(path, folders)
    checkpoint = tmp_path / "killed" / "checkpoint.npz"
    while not checkpoint.exists():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    processes[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    said = finish(processes, folders)
    assert processes[0].returncode not in (0, -signal.SIGKILL), said[0]
    assert time.monotonic() - killed < 120.0
    resumed = run(path, tmp_path / "killed", 2)
    assert "Resuming at step" in (tmp_path / "killed" / "log0.txt").read_text()
    assert_equal_runs(straight, resumed)
