"""Train NADE and MADE on binary UCI sets, and write their test log-likelihoods as a table.

    python scripts/uci_binary.py --data_dir ~/uci_binary --work_dir /tmp/uci

The folder holds adult.npz, dna.npz, mushrooms.npz and nips.npz with 0/1 arrays train, valid and
test. Weights are chosen on valid. Writes docs/uci_binary.json, from which docs/results.md is made.
"""

import json
import math
import pathlib

from absl import app, flags, logging

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the .npz files.", required=True)
_WORK_DIR = flags.DEFINE_string("work_dir", None, "Checkpoints go here.", required=True)
_OUTPUT = flags.DEFINE_string("output", "docs/uci_binary.json", "The table to write.")

_SETS = ("adult", "dna", "mushrooms", "nips")
_MODELS = {
    "NADE": {"class": "NADE", "units": 200},
    "MADE": {"class": "MADE", "units": [500], "num_masks": 8},
}
# A MADE learns all of its masks, which takes more of its steps, and they are cheaper.
_TRAINING = {
    "NADE": {"steps": 1500, "learning_rate": 1e-2},
    "MADE": {"steps": 5000, "learning_rate": 5e-3},
}
_RECIPE = """variant = "{variant}"

[model]
{model}

[data]
name = "{path}"
validation = "valid"

[training]
steps = {steps}
batch_size = 100
learning_rate = {learning_rate}
warmup_steps = 50
ema_decay = 0.98
steps_per_round = 50
"""


def _run(name: str, label: str) -> dict:
    """Train one cell of the table."""
    import numpy as np

    from keras_ar.data import load_array_file
    from keras_ar.evaluation import evaluate_model
    from keras_ar.training import Trainer, read_recipe

    path = pathlib.Path(_DATA_DIR.value) / f"{name}.npz"
    test = load_array_file(path, "test")
    model = {**_MODELS[label], "event_size": test.shape[1]}
    work_dir = pathlib.Path(_WORK_DIR.value) / f"{label.lower()}_{name}"
    work_dir.mkdir(parents=True, exist_ok=True)
    recipe = work_dir / "recipe.toml"
    recipe.write_text(
        _RECIPE.format(
            variant=work_dir.name,
            model="\n".join(f"{key} = {json.dumps(value)}" for key, value in model.items()),
            path=path,
            **_TRAINING[label],
        )
    )
    trainer = Trainer(read_recipe(recipe), work_dir)
    progress = trainer.train()
    trainer.load_best()
    measured = evaluate_model(trainer.model, np.array_split(test, math.ceil(len(test) / 1000)))
    return {
        "model": label,
        "data": name,
        "options": _MODELS[label],
        "nats": measured["nats_per_image"],
        "standard_error": measured["standard_error"],
        "examples": measured["num_examples"],
        "kept_step": progress.best_step,
        "seconds": round(progress.seconds, 1),
    }


def main(argv: list[str]) -> None:
    """Fill the table cell by cell."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    logging.set_verbosity(logging.INFO)
    from keras_ar.machine import describe_hardware, describe_versions

    output = pathlib.Path(_OUTPUT.value)
    cells = [_run(name, label) for name in _SETS for label in _MODELS]
    table = {"cells": cells, "hardware": describe_hardware(), "versions": describe_versions()}
    output.write_text(json.dumps(table, indent=2) + "\n")
    for cell in cells:
        print(f"{cell['data']:10} {cell['model']:5} {cell['nats']:8.2f} nats")


if __name__ == "__main__":
    app.run(main)
