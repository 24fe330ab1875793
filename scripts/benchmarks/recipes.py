"""Train one small model in several ways, and show what each made of its time.

    python scripts/benchmarks/recipes.py --work_dir runs/comparison

The ways take turns, one round of training each, so that whatever else the machine does hits all
of them alike. Stop it at any time: started again it goes on. At the end a table and a picture are
put into --output between the lines

    <!-- recipe comparison: begin -->
    <!-- recipe comparison: end -->
"""

import dataclasses
import math
import pathlib
import sys
import tomllib
from typing import Any

from absl import app, flags
from page import MarkedPart, machine

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_COMPARISON = flags.DEFINE_string(
    "comparison",
    str(_ROOT / "scripts" / "recipes" / "comparison.toml"),
    "A recipe with a list of [[way]]: what each of them changes.",
)
_WORK_DIR = flags.DEFINE_string("work_dir", None, "A folder per way goes here.")
_OUTPUT = flags.DEFINE_string(
    "output", str(_ROOT / "docs" / "training.md"), "The page to put the table into."
)
_PICTURE = "images/recipes.png"


def read_ways(path: pathlib.Path) -> dict[str, Any]:
    """Return the recipes of all ways by their names.

    Raises:
        ValueError: If a way changes something that a recipe does not have.
    """
    from keras_ar.training import read_recipe

    base = read_recipe(path)
    ways = {}
    for way in tomllib.loads(path.read_text())["way"]:
        training = way.get("training", {})
        unknown = set(training) - {field.name for field in dataclasses.fields(base.training)}
        if unknown:
            raise ValueError(f"{path}: a way changes {sorted(unknown)}, which is no training key.")
        ways[way["name"]] = dataclasses.replace(
            base,
            model=base.model | way.get("model", {}),
            training=dataclasses.replace(base.training, **training),
        )
    return ways


def train_in_turns(ways: dict[str, Any], work_dir: pathlib.Path) -> dict[str, Any]:
    """Train every way to its end, a round at a time; return the trainers."""
    from keras_ar.training import Trainer

    trainers = {
        name: Trainer(recipe, work_dir / f"{number:02d}")
        for number, (name, recipe) in enumerate(ways.items())
    }
    while left := [t for t in trainers.values() if t.progress.step < t.recipe.training.steps]:
        first = min(left, key=lambda trainer: len(trainer.progress.history))
        first.train(rounds=1)
    return trainers


def _table(trainers: dict[str, Any]) -> str:
    from keras_ar.machine import describe_hardware, describe_versions

    lines = [
        "| way | parameters | examples | minutes | best validation, nats | reached after |",
        "|---|---|---|---|---|---|",
    ]
    for name, trainer in trainers.items():
        progress, batch = trainer.progress, trainer.recipe.training.batch_size
        records = {record["step"]: record for record in progress.history}
        nats = progress.best * trainer.model.num_dimensions * math.log(2.0)
        lines.append(
            f"| {name} | {trainer.model.count_params():,} | {progress.step * batch:,} | "
            f"{progress.seconds / 60:.1f} | {nats:.2f} | "
            f"{records[progress.best_step]['seconds'] / 60:.1f} min |"
        )
    num_validation = len(next(iter(trainers.values())).validation_data[0])
    lines += [
        "",
        f"![Validation over time, one line per way]({_PICTURE})",
        "",
        "Validation values are those of the averaged weights on "
        f"{num_validation:,} images. Time includes validation; all ways took "
        f"turns in one process. {machine(describe_hardware(), describe_versions())}",
    ]
    return "\n".join(lines)


def _draw(trainers: dict[str, Any], picture: pathlib.Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, trainer in trainers.items():
        history = trainer.progress.history
        minutes = [record["seconds"] / 60.0 for record in history]
        values = [record["validation_bits_per_dim"] for record in history]
        axes.plot(minutes, values, marker=".", label=name)
    lowest = min(trainer.progress.best for trainer in trainers.values())
    axes.set(xlabel="minutes", ylabel="validation, bits per dimension", ylim=(None, 1.25 * lowest))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})


def main(argv: list[str]) -> None:
    """Train, and write what came of it."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    output = pathlib.Path(_OUTPUT.value)
    part = MarkedPart(output, "recipe comparison")
    ways = read_ways(pathlib.Path(_COMPARISON.value))
    trainers = train_in_turns(ways, pathlib.Path(_WORK_DIR.value))
    _draw(trainers, output.parent / _PICTURE)
    table = _table(trainers)
    part.write(table)
    print(table, file=sys.stderr)


if __name__ == "__main__":
    flags.mark_flags_as_required(["work_dir"])
    app.run(main)
