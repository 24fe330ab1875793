"""A progress bar for loops that can take long."""

from collections.abc import Iterable

__all__ = ["progress_bar"]


def progress_bar(iterable: Iterable, unit: str, *, is_shown: bool = True) -> Iterable:
    """Iterate with a bar that appears after two seconds.

    Without tqdm, as on a bare machine that only trains, there is no bar.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return iterable
    return tqdm(iterable, unit=unit, delay=2.0, disable=not is_shown)
