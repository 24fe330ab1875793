"""Where the folder of a model lies, and where it came from."""

import dataclasses
import difflib
import os
import pathlib

from keras_ar.zoo.registry import REGISTRY
from keras_ar.zoo.variant import Variant

__all__ = ["Location", "locate"]


@dataclasses.dataclass(frozen=True)
class Location:
    """A folder on this machine.

    Args:
        folder: The folder.
        variant: The record of a registered name, else ``None``.
        is_download: Whether the folder belongs to the Hub's cache.
    """

    folder: pathlib.Path
    variant: Variant | None = None
    is_download: bool = False


def bundled_folder(name: str) -> pathlib.Path:
    """Return where a variant lies: inside the installed package, or in the checkout."""
    package = pathlib.Path(__file__).resolve().parent
    installed = package / "bundled"
    return (installed if installed.is_dir() else package.parents[1] / "zoo") / name


def _locate_variant(variant: Variant, may_download: bool) -> Location | None:
    folder = bundled_folder(variant.name)
    if (folder / "config.json").is_file():
        return Location(folder, variant)
    if not variant.is_published:
        raise FileNotFoundError(
            f"{variant.name} has not been published yet, and its folder {folder} is missing: "
            "install keras_ar again, or train it with `keras-ar train`."
        )
    # Imported late: who loads what is bundled needs no client of the Hub.
    from keras_ar.zoo import hub

    found = hub.cached(variant.repo_id, variant.revision)
    if found is None and may_download:
        found = hub.download(variant.repo_id, variant.revision)
    return None if found is None else Location(found, variant, is_download=True)


def locate(name: str | os.PathLike, *, may_download: bool = True) -> Location | None:
    """Find a model: a folder, a registered name, or ``hf://organisation/name[@revision]``.

    A registered name is looked for in the package, then in the Hub's cache, and then downloaded
    at the commit that the registry names.

    Args:
        name: What the user typed.
        may_download: Whether a registered name may be downloaded.

    Returns:
        The location, or ``None`` for a registered name that would have to be downloaded.

    Raises:
        ValueError: If there is no such model; the message gives the nearest names.
        OSError: If it cannot be downloaded.
    """
    text = os.fspath(name)
    if text.startswith("hf://"):
        from keras_ar.zoo import hub

        return Location(hub.download(*hub.parse_address(text)), is_download=True)
    folder = pathlib.Path(text)
    try:
        is_folder, is_model = folder.is_dir(), (folder / "config.json").is_file()
    except (OSError, ValueError):
        is_folder = is_model = False
    # A name is not hidden by a folder of the same name that is no model.
    if is_model or (is_folder and text not in REGISTRY):
        return Location(folder)
    if text in REGISTRY:
        return _locate_variant(REGISTRY[text], may_download)
    nearest = difflib.get_close_matches(text, REGISTRY, n=3, cutoff=0.3) or sorted(REGISTRY)
    hint = f"Nearest: {', '.join(nearest)}." if nearest else "The zoo is empty."
    raise ValueError(f"There is no variant (and no model folder) {text[:200]!r}. {hint}")
