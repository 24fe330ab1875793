"""Check a model folder, put it on the Hub, and say what to enter into the registry.

    python scripts/publish.py --folder zoo/pixelcnn_binarized_mnist --dry_run
    python scripts/publish.py --folder zoo/pixelcnn_binarized_mnist --repo_id ORGANISATION/NAME
    python scripts/publish.py --folder ... --repo_id ... --create_pr

The same as `keras-ar publish`, for a checkout in which keras_ar is not installed.
"""

import pathlib
import sys

from absl import app, flags

_FOLDER = flags.DEFINE_string("folder", None, "A model folder.", required=True)
_REPO_ID = flags.DEFINE_string("repo_id", None, "organisation/name on the Hub.")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Only check, and show what would go up.")
_CREATE_PR = flags.DEFINE_bool("create_pr", False, "Open a pull request instead of committing.")
_TAG = flags.DEFINE_string("tag", None, "Tag the commit, such as v1.")


def main(argv: list[str]) -> int:
    """Run ``keras-ar publish`` with these flags."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    # Keras is imported only now, so that --help answers at once.
    from keras_ar.cli import main as keras_ar

    arguments = ["publish", _FOLDER.value]
    for flag in (_REPO_ID, _DRY_RUN, _CREATE_PR, _TAG):
        if flag.value:
            arguments.append(f"--{flag.name}={flag.value!s}")
    return keras_ar(arguments)


if __name__ == "__main__":
    app.run(main)
