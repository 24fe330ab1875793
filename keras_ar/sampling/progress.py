"""A progress bar for loops that can take long."""

import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["CompilationNotice", "progress_bar"]


def progress_bar(iterable: Iterable, unit: str, *, is_shown: bool = True) -> Iterable:
    """Iterate with a bar that appears after two seconds.

    Without tqdm, as on a bare machine that only trains, there is no bar.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return iterable
    return tqdm(iterable, unit=unit, delay=2.0, disable=not is_shown)


class CompilationNotice:
    """Tell the user what takes time where there is nothing to count.

    Args:
        message: What is said, once for everything that is compiled anew.
    """

    def __init__(self, message: str):
        self._message = message
        self._compiled_for: set[Any] = set()

    def give(self, signature: Any, *, is_shown: bool = True) -> None:
        """Say that a program is compiled, unless it was compiled for this signature before."""
        if is_shown and signature not in self._compiled_for:
            print(self._message, file=sys.stderr, flush=True)
        self._compiled_for.add(signature)
