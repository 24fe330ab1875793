"""Test likelihood of a model, with everything that a reader needs to trust the number."""

import inspect
import json
import math
import os
import pathlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_ar.machine import describe_hardware, describe_versions
from keras_ar.models import AutoregressiveModel
from keras_ar.sampling import progress_bar

__all__ = ["evaluate_folder", "evaluate_model"]

# What a dimension is called, where the data are no images.
_UNITS = {"audio": "bits/sample", "text": "bits/character"}


def evaluate_model(
    model: AutoregressiveModel, batches: Iterable, *, verbose: bool = True, **options
) -> dict[str, Any]:
    """Average the log-likelihood over a data set, in constant memory.

    Args:
        model: Any model.
        batches: Yields images, or ``(images, condition)``, as arrays or tensors of any batch
            size; every example counts once, those of a smaller last batch too.
        verbose: Whether to show a progress bar.
        **options: For ``model.log_prob``, such as ``orders`` of an order-agnostic model.

    Returns:
        ``bits_per_dim`` (the bits of all examples divided by their values), ``nats_per_image``
        (``nats_per_sequence`` of a model of sequences; the mean over the examples),
        ``standard_error`` (of the nats at that number of values; ``None`` for a single example),
        ``num_examples``, ``num_values`` and ``seconds``.

    Raises:
        ValueError: If a batch does not fit the model, or there is none.
        FloatingPointError: If the likelihood of an example is not finite.
    """
    # Welford's update over batches, in float64: a million images cost no more than one. The
    # columns are the nats and the number of values of an example.
    count, mean, moments = 0, np.zeros(2), np.zeros((2, 2))
    started = time.monotonic()
    for batch in progress_bar(batches, "batch", is_shown=verbose):
        images, *condition = batch if isinstance(batch, tuple | list) else (batch,)
        condition = condition[0] if condition and model.is_conditional else None
        log_prob = ops.convert_to_numpy(model.log_prob(images, condition, **options))
        nats = -log_prob.astype(np.float64)
        if not np.all(np.isfinite(nats)):
            where = count + int(np.argmin(np.isfinite(nats)))
            raise FloatingPointError(f"The likelihood of example {where} is not finite.")
        sizes = np.broadcast_to(ops.convert_to_numpy(model.value_counts(images)), nats.shape)
        columns = np.stack([nats, sizes.astype(np.float64)])
        total, batch_mean = count + len(nats), columns.mean(axis=1)
        shift, centred = batch_mean - mean, columns - batch_mean[:, None]
        moments += centred @ centred.T + np.outer(shift, shift) * count * len(nats) / total
        mean += shift * len(nats) / total
        count = total
    if not count:
        raise ValueError("The data set is empty: there is nothing to evaluate.")
    nats, size = mean
    # The error of a ratio: longer examples have more nats, and that is no uncertainty.
    slope = np.array([1.0, -nats / size])
    squares = max(float(slope @ moments @ slope), 0.0)
    return {
        f"nats_per_{'sequence' if model.is_sequential else 'image'}": float(nats),
        "bits_per_dim": float(nats / size / math.log(2.0)),
        "standard_error": math.sqrt(squares / (count - 1) / count) if count > 1 else None,
        "num_examples": count,
        "num_values": round(count * float(size)),
        "seconds": round(time.monotonic() - started, 1),
    }


def evaluate_folder(
    folder: str | os.PathLike,
    *,
    split: str | None = None,
    limit: int | None = None,
    orders: Sequence[int] | None = None,
    importance_samples: Sequence[int] | None = None,
    batch_size: int = 100,
    verbose: bool = True,
) -> dict[str, Any]:
    """Evaluate a model folder on the data of its recipe, as its weights stand on disk.

    On the recipe's whole test split the result is written to ``results.json`` in the folder,
    and, if the recipe has a ``[card]`` section, the model card is rendered again; anything less
    is only returned.

    Args:
        folder: A model folder with a ``recipe.toml``.
        split: Another split than the recipe's test split.
        limit: Evaluate only the first examples.
        orders: For order-agnostic models: other numbers of orders than the recipe's; each is an
            ensemble with a result of its own, and the last is the headline.
        importance_samples: For models with latents, likewise: other numbers of draws.
        batch_size: Images per network pass.
        verbose: Whether to show a progress bar.

    Returns:
        What was measured, on what, with which weights and versions.

    Raises:
        FileNotFoundError: If the folder lacks a model or a recipe.
        ValueError: If the recipe's ``[card]`` section is incomplete, or the model's likelihood
            does not depend on what was asked for.
    """
    from keras_ar.data import DATASETS, image_dataset, kind_of_examples
    from keras_ar.training import EvaluationRecipe, even_batches, load_split, read_recipe
    from keras_ar.zoo.assets import read_vocabulary
    from keras_ar.zoo.card import check_prose, write_card
    from keras_ar.zoo.preset import load_folder
    from keras_ar.zoo.weights_files import weights_sha256

    folder = pathlib.Path(folder)
    recipe = read_recipe(folder)
    if recipe.card:
        check_prose(recipe.card)
    model = load_folder(folder)
    kind = kind_of_examples(recipe.data.name)
    binarization = getattr(DATASETS.get(recipe.data.name), "binarization", None)
    asked = EvaluationRecipe(tuple(orders or ()), tuple(importance_samples or ())).choices
    choices = asked or recipe.evaluation.choices
    for name in {name for choice in choices for name in choice}:
        if name not in inspect.signature(model.log_prob).parameters:
            raise ValueError(f"{recipe.variant} is a {type(model).__name__}: it has no {name}.")
    is_complete = split is None and limit is None and not asked
    split = split or recipe.data.test
    if kind == "images":
        # A stream: an image data set of any size is measured in constant memory.
        given = {"labels": recipe.data.labels, "limit": limit}
        batches = image_dataset(recipe.data.name, split=split, batch_size=batch_size, **given)
    else:
        vocabulary = read_vocabulary(folder)
        data = load_split(recipe, split, model, vocabulary=vocabulary, limit=limit)
        batches = even_batches(data, model, batch_size)
    options = {"batch_size": batch_size, "verbose": verbose}
    ensembles = [choice | evaluate_model(model, batches, **choice, **options) for choice in choices]
    measured = ensembles[-1] if ensembles else evaluate_model(model, batches, **options)
    is_binary = model.likelihood.levels == 2 and not model.is_sequential
    results = {
        "variant": recipe.variant,
        "metric": "nats_per_image" if is_binary else "bits_per_dim",
        "value": measured["nats_per_image" if is_binary else "bits_per_dim"],
        "dataset": recipe.data.name,
        "split": split,
        "protocol": f"{model.describe_likelihood(**(choices[-1] if choices else {}))}, weights as "
        "stored",
        **measured,
        "batch_size": batch_size,
        **({"ensembles": ensembles} if ensembles else {}),
        **({} if model.is_exact else {"is_bound": True}),
        **({"binarization": binarization} if binarization else {}),
        **({"unit": _UNITS[kind]} if kind in _UNITS else {}),
        "weights_sha256": weights_sha256(folder),
        "recipe_sha256": recipe.sha256,
        "hardware": describe_hardware(),
        "versions": describe_versions(),
    }
    if is_complete:
        (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
        if recipe.card:
            write_card(folder)
    return results
