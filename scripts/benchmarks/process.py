"""Processes that take turns in being measured."""

import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
from typing import Any

from page import machine

__all__ = ["Worker", "describe_turns", "take_turns", "torch_python"]

_HERE = pathlib.Path(__file__).resolve().parent


def torch_python(wanted: str | None) -> str | None:
    """Return the interpreter that is to run PyTorch: the given one, or this one if it can."""
    if wanted:
        return wanted
    return sys.executable if importlib.util.find_spec("torch") else None


class Worker:
    """A process that is prepared once and measures whenever it is asked.

    Args:
        script: File name of the worker, beside this file.
        python: Interpreter.
        **options: What the worker is to prepare.

    Raises:
        RuntimeError: If the process ends instead of answering; it has said why on stderr.
    """

    def __init__(self, script: str, python: str = sys.executable, **options: Any):
        self.script = script
        # The package of this checkout, whether or not it is installed.
        paths = (str(_HERE.parents[1]), os.environ.get("PYTHONPATH", ""))
        environment = {
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        self._process = subprocess.Popen(
            [python, str(_HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.facts = self._ask(options)
        self.seconds: list[float] = []
        self.peak_bytes = 0

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.script} ended with code {self._process.wait()}.")
        return json.loads(answer)

    def measure(self) -> None:
        """Take one more measurement."""
        answer = self._ask({})
        self.seconds.append(answer["seconds"])
        self.peak_bytes = answer["peak_bytes"]

    def ratio_to(self, reference: "Worker", label: str) -> str:
        """Say how many times longer this takes: the median of the ratios of every turn."""
        quotients = [a / b for a, b in zip(self.seconds, reference.seconds, strict=True)]
        return f"{statistics.median(quotients):.2f} x {label}"

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def take_turns(workers: dict[str, Worker], repeats: int) -> None:
    """Measure all workers in turns, and end them: the load of the machine meets all of them."""
    for repeat in range(repeats):
        print(f"Turn {repeat + 1} of {repeats}.", file=sys.stderr)
        for worker in workers.values():
            worker.measure()
    for worker in workers.values():
        worker.close()


def describe_turns(workers: dict[str, Worker], repeats: int) -> str:
    """Say how often was measured, on what and with which versions."""
    facts = next(iter(workers.values())).facts
    versions = dict(facts["versions"])
    for worker in workers.values():
        if "version" in worker.facts:
            versions["PyTorch"] = worker.facts["version"]
    return (
        f"Medians of {repeats} measurements taken in turns, ratios are medians of the ratios of a "
        f"turn. {machine(facts['hardware'], versions)}"
    )
