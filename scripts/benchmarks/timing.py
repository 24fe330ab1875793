"""Time functions in this process."""

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["measure", "timed"]


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(function: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the seconds of the first call and the median of ``repeats`` others."""
    first = timed(function)
    return first, statistics.median(timed(function) for _ in range(repeats))
