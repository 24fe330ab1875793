"""What benchmarks write: their part of a docs page, and what stands in it."""

import pathlib
import re
import statistics
from collections.abc import Mapping, Sequence

from absl import app

__all__ = ["MarkedPart", "machine", "median_and_range"]


def median_and_range(seconds: Sequence[float]) -> str:
    """Return the two cells of a table that say how long something took."""
    return f"{statistics.median(seconds):.3g} s | {min(seconds):.3g} to {max(seconds):.3g}"


def machine(hardware: str, versions: Mapping[str, str]) -> str:
    """Say in one sentence what was measured on."""
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{hardware}; {named}."


class MarkedPart:
    """What stands on a page between the lines ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.

    Args:
        page: The page.
        name: What the two lines say.

    Raises:
        app.UsageError: If the page has no such lines: better before the measurement than after.
    """

    def __init__(self, page: pathlib.Path, name: str):
        begin, end = (f"<!-- {name}: {word} -->" for word in ("begin", "end"))
        self._page = page
        self._between = re.compile(f"(?<=^{begin}\n).*?(?=^{end}$)", re.DOTALL | re.MULTILINE)
        if not self._between.search(page.read_text()):
            raise app.UsageError(f"{page} has no line {begin} followed by a line {end}.")

    def write(self, body: str) -> None:
        """Replace the part."""
        text = self._page.read_text()
        self._page.write_text(self._between.sub(lambda _: f"{body}\n", text))
