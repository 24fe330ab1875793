"""The Hub's own client and cache, narrowed to what a model needs.

Nothing is invented here: where the cache lies, which server is asked, with which token, and
whether anything may be asked at all is decided by the Hub's variables (``HF_HOME``,
``HF_HUB_CACHE``, ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HUB_OFFLINE``), and the progress bar is the
client's.
"""

import contextlib
import pathlib
import re
from collections.abc import Iterator

import huggingface_hub
from huggingface_hub.errors import EntryNotFoundError, HfUriError, HFValidationError

from keras_ar.version import __version__
from keras_ar.zoo.assets import VOCABULARY
from keras_ar.zoo.hub_errors import explain
from keras_ar.zoo.model_files import CONFIG, METADATA, read_json
from keras_ar.zoo.weights_files import INDEX, WEIGHTS, weights_names

__all__ = ["cached", "download", "forget", "parse_address"]

_CLIENT = {"library_name": "keras_ar", "library_version": __version__}


def parse_address(address: str) -> tuple[str, str | None]:
    """Split ``hf://organisation/name[@revision]``.

    Raises:
        ValueError: If it is not the address of a model.
    """
    try:
        uri = huggingface_hub.utils.parse_hf_uri(address)
    except (HfUriError, HFValidationError):
        uri = None
    is_model = uri is not None and uri.type == "model" and not uri.path_in_repo
    is_model = is_model and not address.startswith("hf:///")
    # The client would use a revision of "../.." as a path inside its cache.
    is_plain = is_model and re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", uri.revision or "main")
    if not is_plain:
        raise ValueError(
            f"{address[:100]!r} is not the address of a model on the Hub: write "
            "hf://organisation/name or hf://organisation/name@revision."
        )
    return uri.id, uri.revision


def _needed(folder: pathlib.Path) -> Iterator[str]:
    """Yield the names of the files that a model needs beside its config.

    Which ones they are is read from those before, so each must be there before the next is asked
    for, if it exists at all.
    """
    yield METADATA
    metadata = read_json(folder / METADATA) if (folder / METADATA).is_file() else {}
    if "vocabulary_sha256" in metadata:
        yield VOCABULARY
    if metadata.get("weights_file") != INDEX:
        yield WEIGHTS
        return
    yield INDEX
    # Of an index that is none nothing follows; its hash will tell whether it is a damaged one.
    with contextlib.suppress(ValueError):
        yield from weights_names(folder)[1:]


def _in_cache(repo_id: str, revision: str, name: str) -> str | None:
    path = huggingface_hub.try_to_load_from_cache(repo_id, name, revision=revision)
    return path if isinstance(path, str) else None


def cached(repo_id: str, revision: str) -> pathlib.Path | None:
    """Return where the cache holds this commit, without asking the network."""
    config = _in_cache(repo_id, revision, CONFIG)
    if config is None or _in_cache(repo_id, revision, METADATA) is None:
        return None
    folder = pathlib.Path(config).parent
    return folder if all(_in_cache(repo_id, revision, name) for name in _needed(folder)) else None


def download(repo_id: str, revision: str | None) -> pathlib.Path:
    """Fetch what of a model is missing in the cache.

    The files are asked for one by one and by name. The client's way to fetch a whole repository
    would first ask for the list of its files, without a limit of time: a server that keeps
    silent would hold it for ever. And a list is nothing to follow blindly.

    A branch or tag is looked up first; where the Hub cannot be asked, the commit that the cache
    remembers is taken.

    Raises:
        OSError: With one sentence on what went wrong and what to do.
    """
    address = f"hf://{repo_id}" + (f"@{revision}" if revision else "")
    try:
        path = pathlib.Path(
            huggingface_hub.hf_hub_download(repo_id, CONFIG, revision=revision, **_CLIENT)
        )
        commit = path.parent.name
        if not re.fullmatch("[0-9a-f]{40}", commit):
            raise ValueError("the server named a commit that is none")
        for name in _needed(path.parent):
            try:
                huggingface_hub.hf_hub_download(repo_id, name, revision=commit, **_CLIENT)
            except EntryNotFoundError:
                # Repositories that Keras wrote may lack what is no weights.
                if name not in (METADATA, VOCABULARY):
                    raise
    except Exception as error:
        raise explain(error, address) from error
    return path.parent


def forget(folder: pathlib.Path) -> None:
    """Remove a snapshot from the cache, with its files even if another revision has them too.

    One of them is damaged, and a damaged file must not be linked again.
    """
    blobs = [path.resolve() for path in folder.rglob("*") if not path.is_dir()]
    cache = huggingface_hub.scan_cache_dir(folder.parents[2])
    cache.delete_revisions(folder.name).execute()
    for blob in blobs:
        if blob.is_relative_to(folder.parents[1].resolve()):
            blob.unlink(missing_ok=True)
