"""What a number was measured on."""

import importlib.metadata
import os
import pathlib
import platform

import keras

__all__ = ["describe_hardware", "describe_versions"]


def describe_hardware() -> str:
    """Name the processor, and the accelerators that the backend sees."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    devices = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
    return ", ".join([f"{os.cpu_count()} cores of {processor}", *devices])


def describe_versions() -> dict[str, str]:
    """Give the versions that can move a number, those that are installed."""
    names = ("keras_ar", "keras", "tensorflow", "jax", "numpy")
    versions = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
