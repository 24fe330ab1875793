"""A process that is prepared once and measures whenever it is asked."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

_HERE = pathlib.Path(__file__).resolve().parent


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

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
