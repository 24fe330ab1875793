"""The part of a docs page that a benchmark writes."""

import pathlib
import re

from absl import app

__all__ = ["MarkedPart"]


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
