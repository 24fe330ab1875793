"""Several processes train as one does, and go on after one of them was killed."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from tiny_recipe import recipe_text

from keras_ar.training.workers import (
    Workers,
    check_all_equal,
    check_divisible,
    find_workers,
    part_of_batch,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> pathlib.Path:
    """Write a recipe with its data; most of its gradients are clipped."""
    folder = tmp_path_factory.mktemp("recipe")
    rng = np.random.default_rng(0)
    splits = {"train": 18, "validation": 6, "test": 6}
    np.savez(
        folder / "data.npz",
        **{name: rng.integers(0, 4, (n, 4, 4, 1), dtype=np.uint8) for name, n in splits.items()},
    )
    path = folder / "recipe.toml"
    path.write_text(
        recipe_text(
            name=f'"{folder / "data.npz"}"',
            steps=120,
            steps_per_round=20,
            learning_rate=1e-3,
            warmup_steps=None,
            seed="0\nclip_norm = 0.5",
        )
    )
    return path


@pytest.fixture(scope="module")
def together(recipe, tmp_path_factory) -> pathlib.Path:
    """Train with two workers to the end; returns the work_dir."""
    work_dir = tmp_path_factory.mktemp("together") / "run"
    run(recipe, work_dir, 2)
    return work_dir


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


def finish(processes, work_dirs, seconds: float = 480.0) -> list[str]:
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


def run(recipe, work_dir: pathlib.Path, number: int, *flags: str) -> None:
    """Train to the end."""
    folders = [work_dir] * number
    processes = start(recipe, folders, *flags)
    said = finish(processes, folders)
    assert [process.returncode for process in processes] == [0] * number, "\n".join(said)


def read_variables(work_dir: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(work_dir / "checkpoint.npz") as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def read_history(work_dir: pathlib.Path) -> list[tuple[float, ...]]:
    names = ("step", "train_bits_per_dim", "validation_bits_per_dim")
    lines = (work_dir / "history.jsonl").read_text().splitlines()
    return [tuple(json.loads(line)[name] for name in names) for line in lines]


def assert_equal_runs(one, other, tolerance: float):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
def test_two_workers_train_as_one_process_does_with_the_same_batches(recipe, together, tmp_path):
    run(recipe, tmp_path / "alone", 1)
    assert_equal_runs(read_variables(tmp_path / "alone"), read_variables(together), 1e-4)
    expected = read_history(tmp_path / "alone")
    assert [line[0] for line in expected] == [20, 40, 60, 80, 100, 120]
    np.testing.assert_allclose(read_history(together), expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [1, 0], ids=["a worker", "the chief"])
def test_after_one_was_killed_all_end_and_a_restart_ends_with_the_same_weights(
    recipe, together, tmp_path, killed
):
    folders = [tmp_path / "killed"] * 2
    processes = start(recipe, folders)
    history = tmp_path / "killed" / "history.jsonl"
    while not (history.exists() and history.stat().st_size):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    processes[killed].send_signal(signal.SIGKILL)
    started = time.monotonic()
    said = finish(processes, folders)
    other = 1 - killed
    assert processes[other].returncode not in (0, -signal.SIGKILL), said[other]
    assert time.monotonic() - started < 120.0
    run(recipe, tmp_path / "killed", 2)
    assert "Resuming at step" in (tmp_path / "killed" / "log0.txt").read_text()
    assert_equal_runs(read_variables(together), read_variables(tmp_path / "killed"), 1e-6)


def test_one_process_alone_is_found_without_an_environment():
    assert type(find_workers({})) is Workers
    alone = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}
    if keras.backend.backend() == "tensorflow":
        assert type(find_workers({"TF_CONFIG": json.dumps(alone)})) is Workers


def test_an_environment_for_the_other_backend_is_refused():
    is_jax = keras.backend.backend() == "jax"
    environment = {"TF_CONFIG": "{}"} if is_jax else {"KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    with pytest.raises(ValueError, match="names workers of the other backend"):
        find_workers(environment)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
@pytest.mark.tensorflow
def test_a_malformed_tf_config_is_refused_with_an_example(config):
    with pytest.raises(ValueError, match=r"TF_CONFIG cannot be used .* It must be the same on all"):
        find_workers({"TF_CONFIG": config})


@pytest.mark.tensorflow
def test_the_chief_comes_before_the_workers():
    from keras_ar.training.tensorflow_workers import read_cluster

    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for kind, index, place in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        task = {"type": kind, "index": index}
        assert read_cluster(json.dumps({"cluster": cluster, "task": task})) == (3, place)


@pytest.mark.parametrize(
    "changes",
    [
        {"NUM_PROCESSES": "two"},
        {"NUM_PROCESSES": ""},
        {"PROCESS_ID": "2"},
        {"JOB_ADDRESSES": "a:1,b:1,c:1"},
    ],
)
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="Only JAX reads these variables.")
def test_malformed_keras_variables_are_refused_with_an_example(changes):
    given = {"JOB_ADDRESSES": "a:1,b:1", "NUM_PROCESSES": "2", "PROCESS_ID": "0"} | changes
    with pytest.raises(ValueError, match=r"variables cannot be used .* They must be the same"):
        find_workers({f"KERAS_DISTRIBUTION_{name}": value for name, value in given.items()})


def test_the_parts_of_a_batch_are_together_the_batch():
    batch = (np.arange(12).reshape(6, 2), (np.arange(6), np.arange(6.0)))
    parts = [part_of_batch(batch, part, 3) for part in range(3)]
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), batch[0])
    for place in range(2):
        joined = np.concatenate([part[1][place] for part in parts])
        np.testing.assert_array_equal(joined, batch[1][place])


def test_a_batch_without_equal_parts_is_refused_with_sizes_that_have_them():
    check_divisible(32, 8)
    with pytest.raises(ValueError, match=r"batch_size 30 .* to 4 devices\. Make it 28 or 32"):
        check_divisible(30, 4)


def test_workers_that_disagree_are_told_who_has_what():
    check_all_equal("step", [5, 5])
    with pytest.raises(ValueError, match=r"step .worker 0: 5, worker 1: 0.\. .* --work_dir"):
        check_all_equal("step", [5, 0])


@pytest.mark.slow
def test_workers_without_a_common_work_dir_end_before_training(recipe, together, tmp_path):
    folders = [tmp_path / "one", tmp_path / "other"]
    folders[0].mkdir()
    shutil.copy(together / "checkpoint.npz", folders[0])
    processes = start(recipe, folders)
    for said in finish(processes, folders):
        assert "checkpoints they find (worker 0: 1, worker 1: 0)" in said
    assert [process.returncode for process in processes] == [1, 1]


@pytest.mark.slow
def test_the_time_limit_stops_all_workers_at_the_same_step(recipe, tmp_path):
    run(recipe, tmp_path / "run", 2, "--minutes=0.002")
    with np.load(tmp_path / "run" / "checkpoint.npz") as stored:
        assert 0 < json.loads(str(stored["progress"]))["step"] < 120
