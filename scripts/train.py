"""Train a variant of the zoo by its recipe, and write its folder.

    python scripts/train.py --recipe zoo/pixelcnn_binarized_mnist --work_dir runs/pixelcnn

Stop it at any time (Ctrl-C, kill -9, --minutes) and start it again with the same --work_dir:
it goes on where the last checkpoint stands, with the same bits as if it had not been stopped.
KERAS_BACKEND=jax trains the same model where JAX has the GPU.

On several machines it is started once on each, see docs/training.md.
"""

import pathlib

from absl import app, flags, logging

_RECIPE = flags.DEFINE_string("recipe", None, "A recipe.toml, or the folder that holds one.")
_WORK_DIR = flags.DEFINE_string("work_dir", None, "Checkpoints, logs and sample sheets go here.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the trained model; by default that of the recipe."
)
_MINUTES = flags.DEFINE_float(
    "minutes", None, "Stop after this time; the best weights so far are written.", lower_bound=0.0
)
_FLOAT16 = flags.DEFINE_bool("float16", True, "Store the weights as float16.")
_SHARD_MEGABYTES = flags.DEFINE_float(
    "shard_megabytes", None, "Divide the weights into files of at most so many megabytes."
)


def main(argv: list[str]) -> None:
    """Run the training that the flags describe."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    logging.set_verbosity(logging.INFO)
    # Keras is imported only now, so that --help answers at once.
    from keras_ar.training import find_workers, run_recipe

    workers = find_workers()
    recipe = pathlib.Path(_RECIPE.value)
    output = _OUTPUT.value or (recipe if recipe.is_dir() else recipe.parent)
    with workers.ending_together():
        run_recipe(
            recipe,
            work_dir=_WORK_DIR.value,
            output=output,
            minutes=_MINUTES.value,
            float16=_FLOAT16.value,
            shard_megabytes=_SHARD_MEGABYTES.value,
            workers=workers,
        )


if __name__ == "__main__":
    flags.mark_flags_as_required(["recipe", "work_dir"])
    app.run(main)
