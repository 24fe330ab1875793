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
_NAMES = {"nats_per_image": "Negative log-likelihood in nats", "bits_per_dim": "Bits per dimension"}


def format_value(results: dict[str, Any]) -> str:
    """Write a result with its unit, such as ``81.30 nats``."""
    return f"{results['value']:.2f} {_UNITS[results['metric']]}"


def format_measured(results: dict[str, Any]) -> str:
    """Write a result, or those of all its ensembles, with the standard error of the last."""
    parts = [
        f"{format_value({**results, 'value': part[results['metric']]})} "
        f"({part['orders']} order{'s' if part['orders'] > 1 else ''})"
        for part in results.get("ensembles", [])
    ]
    return f"{', '.join(parts or [format_value(results)])} ± {format_error(results)}"


def check_prose(prose: dict[str, Any]) -> None:
    """Refuse a ``[card]`` section that lacks something.

    Raises:
        ValueError: Naming what is missing.
    """
    missing = [key for key in _PROSE if key not in prose]
    if missing:
        raise ValueError(f"The recipe's [card] section lacks {', '.join(missing)}.")


def _header(variant: str, prose: dict[str, Any], results: dict[str, Any]) -> str:
    # Everything in bits per dimension, and binary images in nats too, as their papers do.
    metrics = list(dict.fromkeys([results["metric"], "bits_per_dim"]))
    measured = [
        EvalResult(
            task_type="unconditional-image-generation",
            dataset_type=prose["dataset_id"],
            dataset_name=prose["dataset_name"],
            dataset_split=results["split"],
            metric_type=metric,
            metric_name=_NAMES[metric],
            metric_value=round(results[metric], 4),
        )
        for metric in metrics
    ]
    data = ModelCardData(
        library_name="keras",
        license="apache-2.0",
        pipeline_tag="unconditional-image-generation",
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
    condition = ", condition=7" if recipe["model"].get("num_classes") else ""
    return f"""---
{_header(variant, prose, results)}
---

# {variant}

{prose["summary"]}

```python
import keras_ar

model = keras_ar.zoo.load("{variant}")
images = model.sample(16, seed=0{condition})
model.log_prob(images{condition})  # exact, natural logarithm
```

![Uncurated samples](samples.png)

The samples are the first ones drawn with seed 0: none was selected.

## Result

| data | split | examples | this model | {prose["paper_title"]} |
|---|---|---|---|---|
| {prose["dataset_name"]} | {results["split"]} | {results["num_examples"]:,} | \
{format_measured(results)} | {prose["paper_result"]} |

Protocol: {results["protocol"]}; ± is one standard error over the examples. {prose["comparison"]}

## Training

{training["steps"]:,} steps of {recipe["training"]["batch_size"]} images \
({training["images_seen"]:,} images) in {training["minutes"]:.0f} minutes on \
{training["hardware"]}, Keras on {training["backend"]}. The averaged weights of step \
{training["kept_step"]:,}, the best on `{recipe["data"]["validation"]}`, are kept, \
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


def write_card(folder: str | os.PathLike) -> pathlib.Path:
    """Write the card of a folder to its ``README.md``; raises what ``render_card`` raises."""
    path = pathlib.Path(folder) / "README.md"
    path.write_text(render_card(folder))
    return path


def format_error(results: dict[str, Any]) -> str:
    """Write the standard error of a result, in the result's unit."""
    per_value = results["value"] / results["nats_per_image"]
    digits = 2 if results["metric"] == "nats_per_image" else 4
    return f"{results['standard_error'] * per_value:.{digits}f}"
