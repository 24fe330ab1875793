"""The register of faults and bad inputs: every test of one enters it here.

``docs/reliability.md`` is written from it, and test_reliability.py holds the two together.
"""

import importlib

import pytest

MODULES = (
    "test_hub_faults",
    "test_processes",
    "test_hostile_names",
    "test_hostile_config",
    "test_hostile_weights",
    "test_hostile_shards",
    "test_hostile_files",
)
_TRIED: dict[str, list[str]] = {}


def faults(family: str, cases: dict[str, object]) -> pytest.MarkDecorator:
    """Run a test for every case, with its value as ``case``, and count them."""
    _TRIED.setdefault(family, []).extend(cases)
    return pytest.mark.parametrize("case", list(cases.values()), ids=list(cases))


def fault(family: str, name: str):
    """Count a test of a single fault."""
    _TRIED.setdefault(family, []).append(name)
    return lambda test: test


def tried() -> dict[str, list[str]]:
    """Return all cases by family."""
    for module in MODULES:
        importlib.import_module(module)
    return _TRIED


def assert_plain(error: BaseException) -> str:
    """Assert that an error is one sentence that a user can read; return it."""
    text = str(error)
    assert text.endswith(".") and "\n" not in text and len(text) < 600, text
    for ugly in ("Traceback", "Errno", "<class", " object at 0x"):
        assert ugly not in text, text
    return text
