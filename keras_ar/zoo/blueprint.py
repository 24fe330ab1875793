"""What a config.json would build, found out before anything is built."""

import contextlib
import pathlib
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from keras_ar.models import AutoregressiveModel

__all__ = ["build_model", "check_size", "find_class"]

_MAX_INTEGER = 1 << 31
_ALLOWANCE = 1 << 28
_LIMIT_LOCK = threading.Lock()


def find_class(config: Mapping[str, Any], path: pathlib.Path) -> type[AutoregressiveModel]:
    """Return the model class that a ``config.json`` names.

    Only classes that this process has registered itself can be named, and only models: nothing
    is imported because a file says so.

    Raises:
        ValueError: If it names anything else, or its arguments are not plain values.
    """
    name = config.get("registered_name")
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, AutoregressiveModel)):
        raise ValueError(
            f"{path} describes {str(name or config.get('class_name'))[:80]!r}, which is not a "
            "model of keras_ar: load it with the library that made it."
        )
    arguments = config.get("config")
    if not isinstance(arguments, dict):
        raise ValueError(f"{path} has no arguments for {found.__name__}: it was damaged.")
    _check_values(arguments, path)
    return found


def _check_values(arguments: Mapping[str, Any], path: pathlib.Path) -> None:
    """Refuse everything but numbers, strings and lists: no argument of a model is an object."""
    left = list(arguments.items())
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            raise ValueError(
                f"{path} gives an object for {key[:40]!r}, where a model takes plain values only."
            )
        if isinstance(value, list):
            left += [(key, item) for item in value]
        elif isinstance(value, int) and abs(value) >= _MAX_INTEGER:
            raise ValueError(f"{path} gives an impossibly large number for {key[:40]!r}.")


def build_model(
    model_class: type[AutoregressiveModel], arguments: Mapping[str, Any], path: pathlib.Path
) -> AutoregressiveModel:
    """Build a model from plain arguments.

    Raises:
        ValueError: If they do not describe a network.
    """
    try:
        return model_class.from_config(arguments)
    except MemoryError:
        raise
    except Exception as error:
        # Arguments of a wrong kind can fail in any way, deep inside a layer.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        reason = re.sub(r"<class '([\w.]+)'>", r"\1", reason)[:300]
        raise ValueError(
            f"{path} does not describe a network that {model_class.__name__} can build: {reason}."
        ) from error


@contextlib.contextmanager
def _memory_limit(allowance: int) -> Iterator[None]:
    """Let an allocation beyond the allowance fail, where the system can do that (Linux)."""
    try:
        import resource

        used = int(pathlib.Path("/proc/self/statm").read_text().split()[5])
        used *= resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    with _LIMIT_LOCK:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = used + allowance
        is_tighter = all(x == resource.RLIM_INFINITY or wanted < x for x in (soft, hard))
        if is_tighter:
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def check_size(
    model_class: type[AutoregressiveModel],
    arguments: Mapping[str, Any],
    held: tuple[int, int],
    path: pathlib.Path,
) -> None:
    """Refuse a ``config.json`` whose network is not the one of the weights beside it.

    The network is laid out without its variables (they have shapes and no values), so a config
    that asks for terabytes costs nothing. That happens in a thread of its own, because Keras
    keeps the list of variables still to be filled per thread: whatever is refused is forgotten
    with the thread.

    Args:
        model_class: The class.
        arguments: Its arguments.
        held: Arrays and numbers in the weights file.
        path: The ``config.json``, for the message.

    Raises:
        ValueError: If the sizes differ.
    """
    arrays, numbers = held
    for key, value in arguments.items():
        # Repeated parts have a weight each. Without this the layout itself could take for ever.
        if key.endswith(("blocks", "layers")) and isinstance(value, int) and value > arrays:
            raise ValueError(f"{path} asks for {value} {key}; the weights hold {arrays} arrays.")
    found: list[int | Exception] = []

    def lay_out() -> None:
        try:
            with keras.StatelessScope(initialize_variables=False):
                found.append(build_model(model_class, arguments, path).count_params())
        except (ValueError, MemoryError) as error:
            found.append(error)

    with _memory_limit(_ALLOWANCE + 16 * numbers):
        thread = threading.Thread(target=lay_out)
        thread.start()
        thread.join()
    [asked] = found
    if isinstance(asked, ValueError):
        raise asked
    if asked != numbers:
        size = "more than fits into memory" if isinstance(asked, Exception) else f"{asked:,}"
        raise ValueError(
            f"{path} describes a network of another size than the weights beside it: {size} "
            f"numbers against {numbers:,}."
        )
