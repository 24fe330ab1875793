"""The model card of a model that a user trained or fine-tuned."""

import json
import os
import pathlib
import re
from collections.abc import Sequence

from keras_ar.zoo.registry import REGISTRY

__all__ = ["write_own_card"]


def _base_model(name: str | None) -> tuple[str | None, str]:
    """Return the base model's place on the Hub, if it has one, and how the text names it."""
    if name is None:
        return None, ""
    variant = REGISTRY.get(name)
    repo_id = variant.repo_id if variant else name
    if variant is None and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError(
            f"base_model={name!r} is neither a name from keras_ar.zoo.list() nor "
            "organisation/name on the Hub."
        )
    where = f"[`{name}`](https://huggingface.co/{repo_id})" if repo_id else f"`{name}` of keras_ar"
    return repo_id, f"Fine-tuned from {where}."


def write_own_card(
    folder: str | os.PathLike,
    *,
    summary: str,
    license: str,
    limits: str,
    base_model: str | None = None,
    datasets: Sequence[str] = (),
) -> pathlib.Path:
    """Write ``README.md`` for a model of your own, as ``publish`` wants it.

    The models of the zoo get theirs from recipe and results instead; call this on a folder that
    ``keras_ar.zoo.save`` wrote.

    Args:
        folder: The model folder.
        summary: What the model is, in one or two sentences.
        license: As the Hub spells it, such as ``"apache-2.0"``.
        limits: What the model is not good for.
        base_model: What it was fine-tuned from: a name of the zoo, or ``organisation/name``.
        datasets: What it was trained on, as ``organisation/name`` on the Hub.

    Returns:
        The path of the card.

    Raises:
        FileNotFoundError: If the folder holds no model.
        ValueError: If a text is empty or ``base_model`` is no name.

    Example:
        >>> keras_ar.zoo.write_own_card(
        ...     "my_model", summary="Digits of my own hand.", license="apache-2.0",
        ...     limits="It knows one hand.", base_model="pixelcnn_binarized_mnist",
        ... )
    """
    from huggingface_hub import ModelCardData

    folder = pathlib.Path(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not a model folder: it has no config.json; write it with "
            "keras_ar.zoo.save."
        )
    for name, text in (("summary", summary), ("license", license), ("limits", limits)):
        if not text.strip():
            raise ValueError(f"A card needs a {name}: it is empty.")
    repo_id, origin = _base_model(base_model)
    model_class = json.loads(path.read_text())["class_name"]
    header = ModelCardData(
        library_name="keras",
        license=license,
        tags=["keras_ar", "autoregressive"],
        datasets=list(datasets) or None,
        base_model=repo_id,
        pipeline_tag="unconditional-image-generation",
    ).to_yaml()
    name = folder.resolve().name
    card = folder / "README.md"
    card.write_text(f"""---
{header}
---

# {name}

{summary.strip()} A `{model_class}` of keras_ar. {origin}

```python
import keras_ar

model = keras_ar.zoo.load("hf://ORGANISATION/{name}")  # where you found this card
```

## Limits

{limits.strip()}
""")
    return card
