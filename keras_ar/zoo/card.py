"""The model card of a folder, from its recipe, metadata and results."""

import json
import os
import pathlib
import tomllib
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

__all__ = [
    "check_prose",
    "format_error",
    "format_measured",
    "format_value",
    "render_card",
    "write_card",
]

_PROSE = (
    "arxiv",
    "citation",
    "comparison",
    "data_note",
    "dataset_id",
    "dataset_name",
    "limits",
    "paper_result",
    "paper_title",
    "summary",
)

_UNITS = {"nats_per_image": "nats", "bits_per_dim": "bits/dim"}
_NAMES = {
    "nats_per_image": "Negative log-likelihood in nats",
    "bits_per_dim": "Bits per dimension",
    "bits/sample": "Bits per sample",
    "bits/character": "Bits per character",
}
_KINDS = {"bits/sample": "audio", "bits/character": "text"}
# The Hub has no word for models that make sound of nothing but a class.
_TASKS = {"images": "unconditional-image-generation", "audio": "other", "text": "text-generation"}
_EXCERPT = 600


def format_value(results: dict[str, Any]) -> str:
    """Write a result with its unit, such as ``81.30 nats``."""
    bound = "≤ " if results.get("is_bound") else ""
    unit = results.get("unit", _UNITS[results["metric"]])
    return f"{bound}{results['value']:.{_digits(results)}f} {unit}"


def format_measured(results: dict[str, Any]) -> str:
    """Write a result, or those of all its ensembles, with the standard error of the last."""
    parts = [
        f"{format_value({**results, 'value': part[results['metric']]})} ({_ensemble_of(part)})"
        for part in results.get("ensembles", [])
    ]
    text = ", ".join(parts or [format_value(results)])
    # A single text has no error over examples.
    return text if results["standard_error"] is None else f"{text} ± {format_error(results)}"


def _ensemble_of(part: dict[str, Any]) -> str:
    key, word = ("orders", "order") if "orders" in part else ("importance_samples", "draw")
    return f"{part[key]} {word}{'s' if part[key] > 1 else ''}"


def check_prose(prose: dict[str, Any]) -> None:
    """Refuse a ``[card]`` section that lacks something.

    Raises:
        ValueError: Naming what is missing.
    """
    missing = [key for key in _PROSE if key not in prose]
    if missing:
        raise ValueError(f"The recipe's [card] section lacks {', '.join(missing)}.")


def _header(variant: str, kind: str, prose: dict[str, Any], results: dict[str, Any]) -> str:
    # Everything in bits per dimension, and binary images in nats too, as their papers do.
    metrics = list(dict.fromkeys([results["metric"], "bits_per_dim"]))
    measured = [
        EvalResult(
            task_type=_TASKS[kind],
            dataset_type=prose["dataset_id"],
            dataset_name=prose["dataset_name"],
            dataset_split=results["split"],
            metric_type=metric,
            metric_name=_NAMES[results.get("unit", metric)],
            metric_value=round(results[metric], 4),
        )
        for metric in metrics
    ]
    data = ModelCardData(
        library_name="keras",
        license="apache-2.0",
        pipeline_tag=None if _TASKS[kind] == "other" else _TASKS[kind],
        tags=["keras_ar", "autoregressive", f"arxiv:{prose['arxiv']}"],
        datasets=[prose["dataset_id"]],
        metrics=metrics,
        model_name=variant,
        eval_results=measured,
    )
    return data.to_yaml()


def render_card(folder: str | os.PathLike) -> str:
    """Return the card: the numbers from the folder's files, the prose from its recipe.

    Raises:
        FileNotFoundError: If recipe, metadata or results are missing.
        ValueError: If the recipe's ``[card]`` section lacks a piece of prose.
    """
    folder = pathlib.Path(folder)
    recipe = tomllib.loads((folder / "recipe.toml").read_text())
    check_prose(recipe.get("card", {}))
    metadata = json.loads((folder / "metadata.json").read_text())
    results = json.loads((folder / "results.json").read_text())
    prose, training, variant = recipe["card"], metadata["training"], recipe["variant"]
    kind = _KINDS.get(results.get("unit"), "images")
    validation = recipe["data"].get("validation", "validation")
    return f"""---
{_header(variant, kind, prose, results)}
---

# {variant}

{prose["summary"]}

```python
import keras_ar

model = keras_ar.zoo.load("{variant}")
{_example(variant, kind, recipe["model"], is_exact=not results.get("is_bound"))}
```

{_samples(folder, kind, recipe["model"])}

## Result

| data | split | examples | this model | {prose["paper_title"]} |
|---|---|---|---|---|
| {prose["dataset_name"]} | {results["split"]} | {format_count(results)} | \
{format_measured(results)} | {prose["paper_result"]} |

Protocol: {results["protocol"]}; ± is one standard error over the examples. {prose["comparison"]}

## Training

{training["steps"]:,} steps of {recipe["training"]["batch_size"]} {_pieces(recipe)} \
({training["images_seen"]:,} in all) in {training["minutes"]:.0f} minutes on \
{training["hardware"]}, Keras on {training["backend"]}. The averaged weights of step \
{training["kept_step"]:,}, the best on `{validation}`, are kept, \
as {metadata["weights_dtype"]}. The recipe is \
`recipe.toml` (what decides the weights hashes to `{metadata["recipe_sha256"][:16]}`); \
`history.jsonl` holds the course of the run.

## Data

{prose["data_note"]}

## Limits

{prose["limits"]}

## Citation

{prose["citation"]}
"""


def _example(variant: str, kind: str, model: dict[str, Any], *, is_exact: bool) -> str:
    """Write the lines of Python that follow the loading."""
    if kind == "images":
        condition = ", condition=7" if model.get("num_classes") else ""
        exact = "exact" if is_exact else "a lower bound"
        return (
            f"images = model.sample(16, seed=0{condition})\n"
            f"model.log_prob(images{condition})  # {exact}, natural logarithm"
        )
    if kind == "text":
        return (
            f'vocabulary = keras_ar.zoo.load_vocabulary("{variant}")\n'
            "codes = model.sample(1, length=500, seed=0)\n"
            "print(vocabulary.decode(codes[0]))\n"
            "model.bits_per_dim(codes)  # bits per character, exact"
        )
    if model.get("num_features"):
        return (
            'given = keras_ar.data.load_audio("spoken_digit", "test", limit=1)\n'
            "features = keras_ar.data.log_mel(\n"
            "    keras_ar.data.mu_law_decode(given[0]), 8000, hop=model.hop, "
            f"num_bands={model['num_features']}\n"
            ")\n"
            "codes = model.sample(1, seed=0, condition=features)\n"
            "waveform = keras_ar.data.mu_law_decode(codes[0])"
        )
    condition = ", condition=[7, 1]" if model.get("num_classes") else ""
    return (
        f"codes = model.sample(1, length=8000, seed=0{condition})\n"
        "waveform = keras_ar.data.mu_law_decode(codes[0])\n"
        f"model.bits_per_dim(codes{condition})  # bits per sample, exact"
    )


def _samples(folder: pathlib.Path, kind: str, model: dict[str, Any]) -> str:
    """Show what the model makes."""
    if kind == "text":
        excerpt = (folder / "samples.txt").read_text(encoding="utf-8")[:_EXCERPT]
        return (
            f"```text\n{excerpt}\n```\n\n"
            "The beginning of `samples.txt`, which was drawn with seed 0: it was not selected."
        )
    picture = "![Uncurated samples](samples.png)\n\n"
    if kind == "images":
        order = ", one class after the other, row by row" if model.get("num_classes") else ""
        first = f"The samples are the first ones drawn with seed 0{order}"
        return f"{picture}{first}: none was selected."
    if model.get("num_features"):
        return picture + (
            "Recordings of the validation set (above) and what the model makes of their features "
            "with seed 0 (below), as spectrograms; `audio/` holds both as `.wav` files."
        )
    return picture + (
        "Spectrograms of the recordings in `audio/`, the first ones drawn with seed 0: none was "
        "selected. The names of the files are their classes."
    )


def format_count(results: dict[str, Any]) -> str:
    """Write the number of examples; of sequences the number of their values too."""
    count = f"{results['num_examples']:,}"
    if "unit" not in results:
        return count
    return f"{count} ({results['num_values']:,} {results['unit'].removeprefix('bits/')}s)"


def _pieces(recipe: dict[str, Any]) -> str:
    if "sequence" not in recipe:
        return "images"
    return f"pieces of {recipe['sequence']['length']:,} values"


def write_card(folder: str | os.PathLike) -> pathlib.Path:
    """Write the card of a folder to its ``README.md``; raises what ``render_card`` raises."""
    path = pathlib.Path(folder) / "README.md"
    path.write_text(render_card(folder))
    return path


def format_error(results: dict[str, Any]) -> str:
    """Write the standard error of a result, in the result's unit."""
    nats = results.get("nats_per_image") or results["nats_per_sequence"]
    per_value = results["value"] / nats
    return f"{results['standard_error'] * per_value:.{_digits(results)}f}"


def _digits(results: dict[str, Any]) -> int:
    return 2 if results["metric"] == "nats_per_image" else 3
