"""The Hub's own client and cache, narrowed to what a model needs.

Nothing is invented here: where the cache lies, which server is asked, with which token, and
whether anything may be asked at all is decided by the Hub's variables (``HF_HOME``,
``HF_HUB_CACHE``, ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HUB_OFFLINE``), and the progress bar is the
client's.
"""

import contextlib
import pathlib
import re

import huggingface_hub
from huggingface_hub.errors import EntryNotFoundError, HfUriError, HFValidationError

from keras_ar.version import __version__
from keras_ar.zoo.assets import VOCABULARY
from keras_ar.zoo.hub_errors import explain
from keras_ar.zoo.model_files import CONFIG, METADATA, WEIGHTS, read_json

__all__ = ["cached", "download", "forget", "parse_address"]

_NEEDED = (CONFIG, METADATA, WEIGHTS)
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


def cached(repo_id: str, revision: str) -> pathlib.Path | None:
    """Return where the cache holds this commit, without asking the network."""
    paths = [
        huggingface_hub.try_to_load_from_cache(repo_id, name, revision=revision) for name in _NEEDED
    ]
    if not all(isinstance(path, str) for path in paths):
        return None
    folder = pathlib.Path(paths[0]).parent
    is_whole = not _has_vocabulary(folder) or (folder / VOCABULARY).is_file()
    return folder if is_whole else None


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
        with contextlib.suppress(EntryNotFoundError):
            # Repositories that Keras wrote may lack it.
            huggingface_hub.hf_hub_download(repo_id, METADATA, revision=commit, **_CLIENT)
            if _has_vocabulary(path.parent):
                huggingface_hub.hf_hub_download(repo_id, VOCABULARY, revision=commit, **_CLIENT)
        huggingface_hub.hf_hub_download(repo_id, WEIGHTS, revision=commit, **_CLIENT)
    except Exception as error:
        raise explain(error, address) from error
    return path.parent


def _has_vocabulary(folder: pathlib.Path) -> bool:
    """Whether the model is one of text: only then there is one more file to ask for."""
    return "vocabulary_sha256" in read_json(folder / METADATA)


def forget(folder: pathlib.Path) -> None:
    """Remove a snapshot from the cache, with its files unless another revision has them too."""
    weights = (folder / WEIGHTS).resolve()
    cache = huggingface_hub.scan_cache_dir(folder.parents[2])
    cache.delete_revisions(folder.name).execute()
    # The damaged file must go even if another revision refers to it: it would be linked again.
    if weights.is_relative_to(folder.parents[1].resolve()):
        with contextlib.suppress(FileNotFoundError):
            weights.unlink()
