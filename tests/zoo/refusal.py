"""What every refusal of a hostile folder must keep: one sentence, little memory, no threads."""

import pathlib
import re
import threading

import pytest
from fault_cases import assert_plain

from keras_ar.zoo.preset import load_folder

MEMORY = 400 << 20


def peak() -> int:
    """Return the most memory that this process has had since ``forget_peak``, in bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


def forget_peak() -> None:
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def refuse(folder: pathlib.Path, *words: str, kind=ValueError) -> None:
    """Assert one sentence, no more threads, and no large allocation."""
    threads = threading.active_count()
    forget_peak()
    before = peak()
    with pytest.raises(kind) as caught:
        load_folder(folder)
    used = peak() - before
    sentence = assert_plain(caught.value)
    for word in words:
        assert word in sentence, sentence
    assert used < MEMORY, f"{used:,} bytes"
    assert threading.active_count() == threads


TEXTS = {
    "an empty file": b"",
    "no JSON": b"model: PixelCNN",
    "half of a file": b'{"module": "keras_ar.models", "config": {',
    "a list": b"[]",
    "a string": b'"keras_ar>PixelCNN"',
    "null": b"null",
    "no text": bytes(range(256)),
    "a pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04echo\x85R.",
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand objects": b'{"a":' * 100_000,
    "a config nested a thousand deep": b'{"config":' * 1_000 + b"{}" + b"}" * 1_000,
    "two million bytes": b'{"a": "' + b"a" * 2_000_000 + b'"}',
    "a number of a hundred thousand digits": b'{"a": ' + b"9" * 100_000 + b"}",
}
