"""Put a model folder on the Hub, exactly as it lies here."""

import dataclasses
import os
import pathlib
import re

from keras_ar.version import __version__
from keras_ar.zoo.readiness import files_to_publish, find_problems
from keras_ar.zoo.weights_files import INDEX, WEIGHTS

__all__ = ["Publication", "publish"]


@dataclasses.dataclass(frozen=True)
class Publication:
    """What an upload came to.

    Args:
        repo_id: ``organisation/name``.
        revision: The commit, 40 hexadecimal digits.
        pull_request: Address of the pull request, if it is one.
        tag: The tag that was set, if any.
    """

    repo_id: str
    revision: str
    pull_request: str | None = None
    tag: str | None = None


def _upload(folder: pathlib.Path, repo_id: str, create_pr: bool, tag: str | None) -> Publication:
    import huggingface_hub

    api = huggingface_hub.HfApi(library_name="keras_ar", library_version=__version__)
    repo_id = api.create_repo(repo_id, exist_ok=True).repo_id
    if not create_pr and api.file_exists(repo_id, "README.md"):
        there = pathlib.Path(api.hf_hub_download(repo_id, "README.md")).read_bytes()
        if there != (folder / "README.md").read_bytes():
            raise FileExistsError(
                f"{repo_id} has another README.md, which somebody may have written by hand: "
                "publish with create_pr, so that the change can be looked at."
            )
    commit = api.upload_folder(
        repo_id=repo_id,
        folder_path=folder,
        allow_patterns=files_to_publish(folder),
        # Weights of the other layout, or more shards than there are now: readers would take them.
        delete_patterns=[WEIGHTS, INDEX, "model_?????.weights.h5"],
        commit_message=f"Publish {folder.resolve().name} with keras_ar {__version__}",
        create_pr=create_pr,
    )
    if tag:
        api.create_tag(repo_id, tag=tag, revision=commit.oid)
    return Publication(repo_id, commit.oid, commit.pr_url, tag)


def publish(
    folder: str | os.PathLike,
    repo_id: str,
    *,
    create_pr: bool = False,
    tag: str | None = None,
) -> Publication:
    """Check a model folder and upload it; the repository then holds the folder byte for byte.

    Checked is that the card is complete, that the golden outputs are reproduced from the files,
    and, where the folder has a recipe, that results and card belong to these weights. Log in
    with ``hf auth login`` or set ``HF_TOKEN`` before.

    Args:
        folder: A folder that ``keras_ar.zoo.save`` or a training wrote.
        repo_id: ``organisation/name``; made if it does not exist.
        create_pr: Whether to open a pull request instead of committing.
        tag: A tag for the commit, such as ``"v1"``.

    Returns:
        Repository and commit.

    Raises:
        ValueError: If the folder is not fit to be published; the message says why.
        FileExistsError: If the repository has another card and this is no pull request.
        OSError: If the Hub refuses or cannot be reached.

    Example:
        >>> keras_ar.zoo.publish("my_model", "me/my_model")
    """
    from keras_ar.zoo.hub_errors import explain

    folder = pathlib.Path(folder)
    if not re.fullmatch(r"[\w][\w.-]*/[\w][\w.-]*", repo_id):
        raise ValueError(f"{repo_id!r} is not organisation/name on the Hub.")
    if create_pr and tag:
        raise ValueError("A pull request is not tagged: merge it first, then tag its commit.")
    problems = find_problems(folder)
    if problems:
        raise ValueError(f"{folder} is not fit to be published: {'; '.join(problems)}.")
    try:
        return _upload(folder, repo_id, create_pr, tag)
    except FileExistsError:
        raise
    except Exception as error:
        raise explain(error, f"hf://{repo_id}", "publish") from error
