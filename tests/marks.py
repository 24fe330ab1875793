"""Parameters of tests of which some run with ``-m slow`` only."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import pytest

__all__ = ["marked"]


def marked(
    names: Iterable[str],
    *,
    slow: Container[str] | None = None,
    fast: Container[str] | None = None,
    of: Mapping[str, Any] | None = None,
) -> list:
    """Return parameters, marked slow if named in ``slow``, or not named in ``fast``.

    The parameters are the names, or what ``of`` has under them.
    """
    return [
        pytest.param(
            name if of is None else of[name],
            id=name,
            marks=pytest.mark.slow if (name in slow if fast is None else name not in fast) else (),
        )
        for name in names
    ]
