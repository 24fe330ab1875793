"""Measure on demand: what a benchmark's child process does with its standard input.

The parent writes one line of JSON per request and reads one line of JSON per answer. Between two
requests the process sleeps, so that several of them can take turns on one machine.
"""

import json
import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["seconds_per_step", "serve"]


def seconds_per_step(work: Callable[[], Any], steps: int) -> Callable[[], float]:
    """Return a function that does the work and tells how long each of its steps took."""

    def measure() -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) / steps

    return measure


def _peak_bytes() -> int:
    """Return the most memory that this process ever held, without what its parent held."""
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        (peak,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(prepare: Callable[..., tuple[Callable[[], float], dict[str, Any]]]) -> None:
    """Prepare once, then answer until the input ends.

    The first line of the input holds the keyword arguments of ``prepare``; it is answered with
    the facts that ``prepare`` returns. Each later line is answered with the seconds that the
    returned function reports, and the peak memory so far.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # Whatever a library prints must not mix with the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(facts: dict[str, Any]) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    measure, facts = prepare(**json.loads(sys.stdin.readline()))
    answer(facts)
    for _ in sys.stdin:
        seconds = measure()
        answer({"seconds": seconds, "peak_bytes": _peak_bytes()})
