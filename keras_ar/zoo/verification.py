"""Compare the hashes of a model's files with those they should have."""

import os
import re

from keras_ar.zoo.location import Location
from keras_ar.zoo.model_files import CONFIG, METADATA, find_file, read_json, sha256_of
from keras_ar.zoo.weights_files import INDEX, WEIGHTS, find_damaged, find_weights

__all__ = ["verify"]


def _stated(location: Location) -> str | None:
    """Return the hash that stands for all weights, or ``None`` if nobody states it."""
    if location.variant is not None:
        return location.variant.weights_sha256
    if os.path.lexists(location.folder / METADATA):
        stated = read_json(find_file(location.folder, METADATA)).get("weights_sha256")
        if isinstance(stated, str) and re.fullmatch("[0-9a-f]{64}", stated):
            return stated
    if not location.is_download:
        return None
    # Large files lie in the Hub's cache under their sha256, as the server stated it.
    blob = find_weights(location.folder).resolve().name
    if not re.fullmatch("[0-9a-f]{64}", blob):
        raise ValueError(
            f"The repository in {location.folder} states no sha256 of its weights, so they cannot "
            "be checked: publish it with `keras-ar publish`, which writes one."
        )
    return blob


def verify(location: Location) -> None:
    """Refuse files that are not the ones meant; a refused download is removed from the cache.

    What a registered name stands for is compared with the registry, everything else with the
    folder's own ``metadata.json``. Of weights in shards that is the hash of their index, which
    holds those of the shards.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is another one.
    """
    folder, path = location.folder, None
    if location.variant is not None:
        config = find_file(folder, CONFIG)
        path = config if sha256_of(config) != location.variant.config_sha256 else None
    stated = _stated(location)
    if stated is not None:
        path = find_damaged(folder, stated) or path
    if path is None:
        return
    if location.is_download:
        from keras_ar.zoo import hub

        hub.forget(folder)
        raise ValueError(
            f"{path} is not the file that was published (another sha256): it was damaged or "
            "exchanged, and has been removed from the cache; load again to download it anew."
        )
    if location.variant is not None:
        raise ValueError(
            f"{path} is not the file that the registry names (another sha256): install keras_ar "
            "again, or run scripts/render_registry.py if you trained it anew."
        )
    witness = METADATA if path.name in (WEIGHTS, INDEX) else INDEX
    raise ValueError(
        f"{path} is not the file that {witness} names (another sha256): it was damaged "
        "or exchanged. Get the folder again, or write it with keras_ar.zoo.save."
    )
