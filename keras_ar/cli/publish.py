"""``keras-ar publish``: put a model folder on the Hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import NAME_HELP
from keras_ar.cli.command import Command

if TYPE_CHECKING:
    import pathlib

__all__ = ["PUBLISH"]


def _show(folder: pathlib.Path, repo_id: str | None) -> None:
    from keras_ar.zoo.model_files import sha256_of
    from keras_ar.zoo.readiness import files_to_publish, find_problems

    print(f"{folder} would go to {repo_id or 'the repository of --repo_id'}:")
    for name in files_to_publish(folder):
        size = (folder / name).stat().st_size
        print(f"  {name:<18} {size:>12,} bytes  sha256 {sha256_of(folder / name)[:16]}")
    problems = find_problems(folder)
    if problems:
        raise ValueError(f"{folder} is not fit to be published: {'; '.join(problems)}.")
    print("The card is complete and the golden outputs are reproduced. Nothing was uploaded.")


def _publish(values: flags.FlagValues, name: str) -> None:
    if values.repo_id is None and not values.dry_run:
        raise app.UsageError("--repo_id says where to publish; --dry_run shows what would go up.")
    from keras_ar import zoo

    folder = zoo.find_folder(name)
    if values.dry_run:
        _show(folder, values.repo_id)
        return
    done = zoo.publish(folder, values.repo_id, create_pr=values.create_pr, tag=values.tag)
    print(f"Published hf://{done.repo_id}@{done.revision}")
    if done.pull_request:
        print(f"Pull request: {done.pull_request}")
        print("When it is merged, register the commit it got on main.")
    if folder.name in zoo.REGISTRY:
        commit = "COMMIT" if done.pull_request else done.revision
        address = f"{folder.name}={done.repo_id}@{commit}"
        print(f"Register it: python scripts/render_registry.py --published {address}")


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "repo_id", None, "organisation/name on the Hub; made if missing.", flag_values=values
    )
    flags.DEFINE_bool(
        "dry_run", False, "Check the folder and show what would go up.", flag_values=values
    )
    flags.DEFINE_bool(
        "create_pr", False, "Open a pull request instead of committing.", flag_values=values
    )
    flags.DEFINE_string("tag", None, "Tag the commit, such as v1.", flag_values=values)


PUBLISH = Command(
    name="publish",
    summary="Check a model folder and put it on the Hub.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Checked is that the card is complete, that the golden outputs are reproduced, and that
    results and card belong to these weights. Log in with `hf auth login` or set HF_TOKEN.

    Uploads the files of the folder that belong to a model, and prints the commit they got; with
    --dry_run nothing is uploaded. No file is written on this machine.""",
    examples=(
        "publish pixelcnn_binarized_mnist --dry-run",
        "publish my_model --repo_id me/my_model --create_pr",
    ),
    define_flags=_define_flags,
    run=_publish,
)
