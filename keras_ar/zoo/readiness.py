"""Is a folder fit to be published?"""

import json
import pathlib
import re

from keras_ar.zoo.assets import VOCABULARY
from keras_ar.zoo.golden import golden_differences
from keras_ar.zoo.model_files import CONFIG, METADATA, read_json, sha256_of
from keras_ar.zoo.preset import load_folder
from keras_ar.zoo.weights_files import find_damaged, weights_names

__all__ = ["files_to_publish", "find_problems"]

_REQUIRED = ("README.md", CONFIG, "golden.npz", METADATA)
_OF_RECIPES = ("recipe.toml", "results.json")
_SAMPLES = ("samples.png", "samples.txt")
_OPTIONAL = ("history.jsonl", VOCABULARY)
# Between machines the last bits of a network's outputs differ.
_TOLERANCES = {"parameters": 1e-3, "log_prob": 1e-2}


def files_to_publish(folder: pathlib.Path) -> list[str]:
    """Return the names that would be uploaded: those that a model folder has, and no others."""
    recordings = (f"audio/{path.name}" for path in folder.glob("audio/*.wav"))
    weights = weights_names(folder)
    known = (*_REQUIRED, *weights, *_OF_RECIPES, *_SAMPLES, *_OPTIONAL, *recordings)
    return sorted(name for name in known if (folder / name).is_file())


def _check_golden(folder: pathlib.Path, metadata: dict) -> list[str]:
    if metadata.get("golden_sha256") != sha256_of(folder / "golden.npz"):
        return ["golden.npz is not the one that metadata.json names: call zoo.write_golden"]
    differences = golden_differences(load_folder(folder), folder)
    return [
        f"the {name} of golden.npz are not reproduced (off by {differences[name]:.2g})"
        for name, tolerance in _TOLERANCES.items()
        if not differences[name] <= tolerance
    ]


def _check_card(folder: pathlib.Path) -> list[str]:
    from huggingface_hub import ModelCard

    text = (folder / "README.md").read_text()
    try:
        data = ModelCard(text).data
    except Exception:
        # PyYAML and the client raise what they like; each means the same here.
        return ["README.md has no valid YAML header"]
    problems = [
        f"the header of README.md has no {name}"
        for name in ("license", "library_name", "tags")
        if not getattr(data, name, None)
    ]
    if "keras_ar" not in (data.tags or []):
        problems.append("the tags of README.md lack keras_ar")
    problems += [
        f"README.md lacks {what!r}" for what in ("import keras_ar", "## Limits") if what not in text
    ]
    if re.search(r"\b(TODO|FIXME|XXX)\b", text):
        problems.append("README.md is not finished: it says TODO")
    return problems


def _check_recipe(folder: pathlib.Path, metadata: dict) -> list[str]:
    """Check what only a variant trained by a recipe has: results, and a card made of them."""
    from keras_ar.zoo.card import render_card

    results = json.loads((folder / "results.json").read_text())
    # Stronger than a comparison of dates, which a copy or a clone of the folder changes.
    if results.get("weights_sha256") != metadata.get("weights_sha256"):
        return ["results.json is older than the weights: run scripts/evaluate.py"]
    if render_card(folder) != (folder / "README.md").read_text():
        return ["README.md is not the card of these results: run scripts/evaluate.py"]
    return []


def find_problems(folder: pathlib.Path) -> list[str]:
    """Return what speaks against publishing a folder, in half sentences; nothing if it is fit.

    Raises:
        ValueError: If the folder holds something that is no model of keras_ar.
    """
    has_recipe = (folder / "recipe.toml").is_file()
    required = [*_REQUIRED, *weights_names(folder), *(_OF_RECIPES if has_recipe else ())]
    missing = [name for name in required if not (folder / name).is_file()]
    if has_recipe and not any((folder / name).is_file() for name in _SAMPLES):
        missing.append("samples.png")
    if missing:
        return [f"it has no {name}" for name in missing]
    metadata = read_json(folder / METADATA)
    if find_damaged(folder, metadata.get("weights_sha256")) is not None:
        return ["its weights are not those that metadata.json names"]
    problems = _check_golden(folder, metadata) + _check_card(folder)
    return problems + (_check_recipe(folder, metadata) if has_recipe else [])
