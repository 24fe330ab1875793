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
from huggingface_hub.errors import HfUriError, HFValidationError, LocalEntryNotFoundError

from keras_ar.version import __version__
from keras_ar.zoo.hub_errors import explain

__all__ = ["cached", "download", "forget", "parse_address"]

# Exact names: a pattern such as "*.json" would also match "assets/../../x.json", which a hostile
# repository may list.
_FILES = (
    "README.md",
    "config.json",
    "golden.npz",
    "metadata.json",
    "model.weights.h5",
    "recipe.toml",
    "results.json",
)
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
    # The client would use a revision of "../.." as a path inside its cache.
    is_plain = is_model and re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", uri.revision or "main")
    if not is_plain:
        raise ValueError(
            f"{address!r} is not the address of a model on the Hub: write "
            "hf://organisation/name or hf://organisation/name@revision."
        )
    return uri.id, uri.revision


def cached(repo_id: str, revision: str) -> pathlib.Path | None:
    """Return where the cache holds this commit, without asking the network."""
    try:
        folder = huggingface_hub.snapshot_download(
            repo_id, revision=revision, allow_patterns=_FILES, local_files_only=True, **_CLIENT
        )
    except LocalEntryNotFoundError:
        return None
    # What was interrupted before the list of files was stored counts as complete to the client.
    is_whole = all((pathlib.Path(folder) / name).exists() for name in _FILES[1:5:3])
    return pathlib.Path(folder) if is_whole else None


def download(repo_id: str, revision: str | None) -> pathlib.Path:
    """Fetch a model into the cache, or what of it is missing there.

    A branch or tag is looked up first; where the Hub cannot be asked, the commit that the cache
    remembers is taken.

    Raises:
        OSError: With one sentence on what went wrong and what to do.
    """
    address = f"hf://{repo_id}" + (f"@{revision}" if revision else "")
    try:
        commit = huggingface_hub.HfApi(**_CLIENT).resolve_revision(repo_id, revision=revision)
        if not re.fullmatch("[0-9a-f]{40}", commit.resolved):
            raise OSError("the server's answer is not a commit")
        folder = huggingface_hub.snapshot_download(
            repo_id, revision=commit, allow_patterns=_FILES, **_CLIENT
        )
    except Exception as error:
        raise explain(error, address) from error
    return pathlib.Path(folder)


def forget(folder: pathlib.Path) -> None:
    """Remove a snapshot from the cache, with its files unless another revision has them too."""
    weights = (folder / "model.weights.h5").resolve()
    cache = huggingface_hub.scan_cache_dir(folder.parents[2])
    cache.delete_revisions(folder.name).execute()
    # The damaged file must go even if another revision refers to it: it would be linked again.
    if weights.is_relative_to(folder.parents[1].resolve()):
        with contextlib.suppress(FileNotFoundError):
            weights.unlink()
