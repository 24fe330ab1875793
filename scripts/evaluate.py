"""Measure a variant on the whole test split of its recipe, and write results.json.

    python scripts/evaluate.py --folder zoo/pixelcnn_binarized_mnist

The weights are read back from the folder, so the number is that of what is published. The model
card is rendered again. With --limit, --split, --orders or --importance_samples nothing is
written; the numbers are printed.
"""

import json

from absl import app, flags, logging

_FOLDER = flags.DEFINE_string("folder", None, "A model folder with a recipe.toml.", required=True)
_SPLIT = flags.DEFINE_string("split", None, "Another split than the recipe's test split.")
_LIMIT = flags.DEFINE_integer("limit", None, "Evaluate only the first examples.", lower_bound=1)
_ORDERS = flags.DEFINE_multi_integer(
    "orders", None, "Order-agnostic models: other numbers of orders than the recipe's."
)
_IMPORTANCE_SAMPLES = flags.DEFINE_multi_integer(
    "importance_samples", None, "Models with latents: other numbers of draws than the recipe's."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 100, "Images per network pass.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Run the evaluation that the flags describe."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    logging.set_verbosity(logging.INFO)
    # Keras is imported only now, so that --help answers at once.
    from keras_ar.evaluation import evaluate_folder

    results = evaluate_folder(
        _FOLDER.value,
        split=_SPLIT.value,
        limit=_LIMIT.value,
        orders=_ORDERS.value,
        importance_samples=_IMPORTANCE_SAMPLES.value,
        batch_size=_BATCH_SIZE.value,
    )
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    app.run(main)
