"""A progress bar for loops that can take long."""

import sys
from collections.abc import Iterable

__all__ = ["announce", "progress_bar"]


def progress_bar(iterable: Iterable, unit: str, *, is_shown: bool = True) -> Iterable:
    """Iterate with a bar that appears after two seconds.

    Without tqdm, as on a bare machine that only trains, there is no bar.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return iterable
    return tqdm(iterable, unit=unit, delay=2.0, disable=not is_shown)


def announce(message: str, *, is_shown: bool = True) -> None:
    """Tell the user what takes time where there is nothing to count."""
    if is_shown:
        print(message, file=sys.stderr, flush=True)
