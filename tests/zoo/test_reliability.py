"""docs/reliability.md lists exactly the faults that the tests try.

``KERAS_AR_WRITE_PAGES=1 python -m pytest tests/zoo/test_reliability.py`` writes the list.
"""

import collections
import os
import pathlib
import re

from fault_cases import tried

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "reliability.md"
_BETWEEN = re.compile(r"(?<=<!-- faults: begin -->\n).*?(?=<!-- faults: end -->)", re.DOTALL)


def _render() -> str:
    families = {family: sorted(names) for family, names in sorted(tried().items())}
    total = sum(map(len, families.values()))
    lines = ["| what | tried |", "|---|---|"]
    lines += [f"| {family} | {len(names)} |" for family, names in families.items()]
    lines += [f"| **all** | **{total}** |", ""]
    for family, names in families.items():
        lines += [f"**{family}**: {'; '.join(names)}.", ""]
    return "\n".join(lines)


def test_the_page_counts_and_names_every_fault_that_is_tried():
    text = PAGE.read_text()
    wanted = _BETWEEN.sub(lambda _: _render(), text)
    if os.environ.get("KERAS_AR_WRITE_PAGES") == "1":
        PAGE.write_text(wanted)
        text = wanted
    assert text == wanted, "Write it anew: see the docstring of this file."


def test_no_fault_is_counted_twice():
    for family, names in tried().items():
        assert [name for name, n in collections.Counter(names).items() if n > 1] == [], family
    assert sum(map(len, tried().values())) > 200
