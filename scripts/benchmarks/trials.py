"""Try recipes that nobody had the time for: a hundred steps, and what all of them would take.

    python scripts/benchmarks/trials.py --work_dir runs/trials

Every recipe of scripts/recipes that names a variant without a folder in zoo/ is trained for two
short rounds as it stands; the first one compiles, the second one is timed. The table is put into
--output between the lines

    <!-- trials: begin -->
    <!-- trials: end -->
"""

import dataclasses
import math
import pathlib
import sys

from absl import app, flags
from page import MarkedPart, machine

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_WORK_DIR = flags.DEFINE_string("work_dir", None, "A folder per recipe goes here.")
_STEPS = flags.DEFINE_integer("steps", 50, "Steps of each of the two rounds.", lower_bound=1)
_OUTPUT = flags.DEFINE_string(
    "output", str(_ROOT / "docs" / "training.md"), "The page to put the table into."
)


def untrained_recipes() -> list[pathlib.Path]:
    """Return the recipes whose variants have no folder in the zoo."""
    paths = sorted((_ROOT / "scripts" / "recipes").glob("*.toml"))
    return [
        path
        for path in paths
        if path.stem != "comparison" and not (_ROOT / "zoo" / path.stem).exists()
    ]


def try_recipe(path: pathlib.Path, folder: pathlib.Path, steps: int) -> str:
    """Train two rounds, and return what is learnt of it as a line of the table."""
    from keras_ar.training import Trainer, read_recipe

    recipe = read_recipe(path)
    # The schedule stays that of the whole training: what is tried is how it begins.
    short = {"steps_per_round": steps, "steps_per_call": steps, "validation_images": 64}
    if recipe.training.steps_per_call == 1:
        short["steps_per_call"] = 1
    training = dataclasses.replace(recipe.training, rounds_per_sheet=0, **short)
    trainer = Trainer(dataclasses.replace(recipe, training=training), folder)
    first, second = trainer.train(rounds=2).history[:2]
    seconds = (second["seconds"] - first["seconds"]) / steps
    hours = seconds * recipe.training.steps / 3600.0
    uniform = math.log2(trainer.model.likelihood.levels)
    return (
        f"| [`{recipe.variant}`](../scripts/recipes/{path.name}) | "
        f"{trainer.model.count_params():,} | {recipe.training.batch_size} | {seconds:.2g} s | "
        f"{second['train_bits_per_dim']:.3g}, {uniform:.3g} | {recipe.training.steps:,} | "
        f"{hours:.1f} hours |"
    )


def main(argv: list[str]) -> None:
    """Try all, and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(pathlib.Path(_OUTPUT.value), "trials")
    from keras_ar.machine import describe_hardware, describe_versions

    lines = [
        "| recipe | parameters | batch | seconds per step | mean bits per dimension of steps "
        f"{_STEPS.value + 1} to {2 * _STEPS.value}, and of a uniform guess | steps | "
        "all of them here |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in untrained_recipes():
        lines.append(try_recipe(path, pathlib.Path(_WORK_DIR.value) / path.stem, _STEPS.value))
        print(lines[-1], file=sys.stderr)
    lines += [
        "",
        f"With a validation on 64 images. {machine(describe_hardware(), describe_versions())}",
    ]
    part.write("\n".join(lines))


if __name__ == "__main__":
    flags.mark_flags_as_required(["work_dir"])
    app.run(main)
