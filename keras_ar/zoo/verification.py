"""Compare the hashes of a model's files with those they should have."""

import os
import re

from keras_ar.zoo.location import Location
from keras_ar.zoo.model_files import CONFIG, METADATA, WEIGHTS, find_file, read_json
from keras_ar.zoo.preset import sha256_of

__all__ = ["verify"]


def _expected(location: Location) -> dict[str, str]:
    """Return which file must have which hash."""
    if location.variant is not None:
        variant = location.variant
        return {CONFIG: variant.config_sha256, WEIGHTS: variant.weights_sha256}
    if os.path.lexists(location.folder / METADATA):
        stated = read_json(find_file(location.folder, METADATA)).get("weights_sha256")
        if isinstance(stated, str) and re.fullmatch("[0-9a-f]{64}", stated):
            return {WEIGHTS: stated}
    if not location.is_download:
        return {}
    # Large files lie in the Hub's cache under their sha256, as the server stated it.
    blob = find_file(location.folder, WEIGHTS).resolve().name
    if not re.fullmatch("[0-9a-f]{64}", blob):
        raise ValueError(
            f"The repository in {location.folder} states no sha256 of its weights, so they cannot "
            "be checked: publish it with `keras-ar publish`, which writes one."
        )
    return {WEIGHTS: blob}


def verify(location: Location) -> None:
    """Refuse files that are not the ones meant; a refused download is removed from the cache.

    What a registered name stands for is compared with the registry, everything else with the
    folder's own ``metadata.json``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is another one.
    """
    expected = _expected(location)
    files = {name: find_file(location.folder, name) for name in expected}
    damaged = [name for name, path in files.items() if sha256_of(path) != expected[name]]
    if not damaged:
        return
    path = files[damaged[-1]]
    if location.is_download:
        from keras_ar.zoo import hub

        hub.forget(location.folder)
        raise ValueError(
            f"{path} is not the file that was published (another sha256): it was damaged or "
            "exchanged, and has been removed from the cache; load again to download it anew."
        )
    if location.variant is not None:
        raise ValueError(
            f"{path} is not the file that the registry names (another sha256): install keras_ar "
            "again, or run scripts/render_registry.py if you trained it anew."
        )
    raise ValueError(
        f"{path} is not the file that metadata.json names (another sha256): it was damaged "
        "or exchanged. Get the folder again, or write it with keras_ar.zoo.save."
    )
