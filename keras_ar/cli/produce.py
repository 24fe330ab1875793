"""``keras-ar evaluate``, ``train`` and ``export``: make what others use."""

import json
import pathlib

from absl import app, flags, logging

from keras_ar.cli.arguments import NAME_HELP
from keras_ar.cli.command import Command
from keras_ar.cli.model_folder import open_folder

__all__ = ["EVALUATE", "EXPORT", "TRAIN"]


def _evaluate(values: flags.FlagValues, name: str) -> None:
    from keras_ar import evaluation

    folder = open_folder(name)
    if values.orders and folder.kind != "images":
        raise app.UsageError(f"--orders: {name} is a model of {folder.kind}, which has one order.")
    results = evaluation.evaluate_folder(
        folder.path,
        split=values.split,
        limit=values.limit,
        orders=values.orders,
        importance_samples=values.importance_samples,
        batch_size=values.batch_size,
    )
    print(json.dumps(results, indent=2))


def _define_evaluate_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "split", None, "Another split than the recipe's test split.", flag_values=values
    )
    flags.DEFINE_integer(
        "limit", None, "Measure on the first examples only.", lower_bound=1, flag_values=values
    )
    flags.DEFINE_multi_integer(
        "orders",
        None,
        "Order-agnostic models: other numbers of orders than the recipe's. May be repeated",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_multi_integer(
        "importance_samples",
        None,
        "Models with latents: other numbers of draws than the recipe's. May be repeated",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "batch_size", 100, "Most examples per network pass.", lower_bound=1, flag_values=values
    )


EVALUATE = Command(
    name="evaluate",
    summary="Measure the likelihood of a model on its test data.",
    arguments=("NAME",),
    details=f"""{NAME_HELP} The folder's recipe.toml names the data.

    Prints the results as JSON; bits_per_dim of sound are bits per sample, and of text bits per
    character, as the key unit says. On the whole test split they are also written to results.json
    in the model's folder, and its README.md is rendered again; with --limit, --split,
    --orders or --importance_samples nothing is written.""",
    examples=("evaluate pixelcnn_binarized_mnist --limit 1000", "evaluate runs/my_model"),
    define_flags=_define_evaluate_flags,
    run=_evaluate,
)


def _train(values: flags.FlagValues) -> None:
    if values.recipe is None or values.work_dir is None:
        raise app.UsageError("--recipe and --work_dir are required.")
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    from keras_ar import training

    workers = training.find_workers()
    recipe = pathlib.Path(values.recipe)
    with workers.ending_together():
        folder = training.run_recipe(
            recipe,
            work_dir=values.work_dir,
            output=values.output or (recipe if recipe.is_dir() else recipe.parent),
            minutes=values.minutes,
            float16=values.float16,
            shard_megabytes=values.shard_megabytes,
            workers=workers,
        )
    if workers.is_chief:
        print(f"Wrote {folder}.")


def _define_train_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "recipe",
        None,
        "A recipe.toml, or the folder that holds one. Required.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "work_dir",
        None,
        "Checkpoints and history go here; a run found here is resumed. Required.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        None,
        "Folder for the trained model; that of the recipe if not given.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "minutes",
        None,
        "Stop after this time; the best weights so far are written.",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_bool("float16", True, "Store the weights as float16.", flag_values=values)
    flags.DEFINE_float(
        "shard_megabytes",
        None,
        "Divide the weights into files of at most so many megabytes.",
        flag_values=values,
    )


TRAIN = Command(
    name="train",
    summary="Train a model by its recipe, or go on with a stopped run.",
    arguments=(),
    details="""Everything that decides the result stands in the recipe. Stop at any time and start
    again with the same --work_dir: the run goes on where the last checkpoint stands.

    Writes checkpoints and history to --work_dir, and at the end a model folder (config.json,
    model.weights.h5, metadata.json, recipe.toml, history.jsonl, golden.npz, samples.png) to
    --output.""",
    examples=(
        "train --recipe zoo/pixelcnn_binarized_mnist --work_dir runs/pixelcnn --output my_model",
    ),
    define_flags=_define_train_flags,
    run=_train,
)


def _export(values: flags.FlagValues, name: str, folder: str) -> None:
    from keras_ar import serving, zoo

    model = zoo.load(name)
    path = serving.export(model, folder)
    default, *others = serving.signature_names(model)
    print(f"Wrote {path} with the signatures {', '.join([f'{default} (the default)', *others])}.")


EXPORT = Command(
    name="export",
    summary="Write a model for TensorFlow Serving.",
    arguments=("NAME", "FOLDER"),
    details=f"""{NAME_HELP} FOLDER is the base path that the server watches.

    Writes a SavedModel to FOLDER/1, or to the next free version number: nothing is ever
    overwritten. It needs no Python where it is served. Its signatures are log_prob (the default),
    bits_per_dim, sample and complete; log_prob_png, sample_png and complete_png take and give PNG
    files instead of arrays, where a PNG can hold the images (1 or 3 channels, up to 256 levels).
    A small request for each of them is written beside, with which the server warms up.""",
    examples=("export pixelcnn_binarized_mnist serving/pixelcnn",),
    define_flags=lambda values: None,
    run=_export,
)
