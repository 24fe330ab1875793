"""Write keras_ar/zoo/registry.py, and the model cards, from the folders of zoo/.

    python scripts/render_registry.py            # write
    python scripts/render_registry.py --check    # write nothing, exit 1 if out of date
    python scripts/render_registry.py --published NAME=ORGANISATION/REPOSITORY@COMMIT

Run it after every training and evaluation, before render_zoo_table.py. Hashes, sizes and results
come from the folders. Where a variant was published is taken over from the present file, as long
as its weights and its config are still the published ones; scripts/publish.py prints the
--published line.
"""

import ast
import hashlib
import json
import pathlib
import pprint
import re
import sys
import tomllib
from typing import Any

from absl import app, flags
from huggingface_hub import ModelCard
from zoo_card import card

_CHECK = flags.DEFINE_bool("check", False, "Only look whether the registry is up to date.")
_PUBLISHED = flags.DEFINE_multi_string(
    "published", [], "NAME=ORGANISATION/REPOSITORY@COMMIT, as scripts/publish.py prints it."
)
_ROOT = flags.DEFINE_string(
    "root", str(pathlib.Path(__file__).resolve().parents[1]), "The repository to work on."
)

_HEADER = '''"""Which files the names of the zoo stand for."""

# Written by scripts/render_registry.py from the folders of zoo/: do not edit.
# A repo_id and revision of None say that the variant has not been published yet.

import types
from collections.abc import Mapping

from keras_ar.zoo.variant import Variant

__all__ = ["REGISTRY"]

_VARIANTS = (
'''
_FOOTER = """)

REGISTRY: Mapping[str, Variant] = types.MappingProxyType({v.name: v for v in _VARIANTS})
"""


def _sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record(folder: pathlib.Path, text: str) -> dict[str, Any]:
    """Read what a folder says of its variant; nothing of where it is published."""
    recipe = tomllib.loads((folder / "recipe.toml").read_text())
    metadata = json.loads((folder / "metadata.json").read_text())
    results = json.loads((folder / "results.json").read_text())
    # One file, or the index and its shards; then the index holds the hashes of the shards.
    weights = sorted(folder.glob("model*.weights.*"))
    stated = [path for path in weights if path.name.startswith("model.")]
    if len(stated) != 1:
        raise app.UsageError(f"{folder} holds {len(stated)} files of weights: train it again.")
    return {
        "name": folder.name,
        "repo_id": None,
        "revision": None,
        "weights_sha256": _sha256(stated[0]),
        "weights_size": sum(path.stat().st_size for path in weights),
        "config_sha256": _sha256(folder / "config.json"),
        "license": ModelCard(text).data.license,
        "paper": recipe["card"]["arxiv"],
        "model_class": recipe["model"]["class"],
        "parameters": metadata["parameter_count"],
        "dataset": recipe["data"]["name"],
        "metric": results["metric"],
        "value": round(results["value"], 4),
    }


def _present(registry: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Read the records of the present file without importing the package, hence a backend."""
    if not registry.is_file():
        return {}
    calls = [
        node
        for node in ast.walk(ast.parse(registry.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Variant"
    ]
    records = [{k.arg: ast.literal_eval(k.value) for k in call.keywords} for call in calls]
    return {record["name"]: record for record in records}


def _keep_address(record: dict[str, Any], old: dict[str, Any]) -> None:
    if all(old.get(key) == record[key] for key in ("weights_sha256", "config_sha256")):
        record |= {"repo_id": old["repo_id"], "revision": old["revision"]}


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return pprint.pformat(value, underscore_numbers=True)


def render(records: list[dict[str, Any]]) -> str:
    """Write the module."""
    parts = []
    for record in records:
        lines = [f"        {key}={_literal(value)},\n" for key, value in record.items()]
        parts.append(f"    Variant(\n{''.join(lines)}    ),\n")
    return _HEADER + "".join(parts) + _FOOTER


def main(argv: list[str]) -> int:
    """Write the registry, or check it."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    root = pathlib.Path(_ROOT.value)
    registry = root / "keras_ar" / "zoo" / "registry.py"
    wanted, present, records = {}, _present(registry), {}
    for folder in sorted(path.parent for path in (root / "zoo").glob("*/results.json")):
        wanted[folder / "README.md"] = card.render_card(folder)
        records[folder.name] = _record(folder, wanted[folder / "README.md"])
        _keep_address(records[folder.name], present.get(folder.name, {}))
    # What is published and no longer bundled stays known.
    for name, record in present.items():
        if name not in records and record["revision"] is not None:
            records[name] = record
    for text in _PUBLISHED.value:
        match = re.fullmatch(r"(\w+)=([\w.-]+/[\w.-]+)@([0-9a-f]{40})", text)
        if not match or match[1] not in records:
            raise app.UsageError(
                f"--published takes NAME=ORGANISATION/REPOSITORY@COMMIT with the name of a folder "
                f"of zoo/ and a commit of 40 digits; got {text!r}."
            )
        records[match[1]] |= {"repo_id": match[2], "revision": match[3]}
    wanted[registry] = render([records[name] for name in sorted(records)])
    stale = [path for path, text in wanted.items() if not _is(path, text)]
    for path in stale:
        name = path.relative_to(root)
        if _CHECK.value:
            print(f"Out of date: {name}. Run: python scripts/render_registry.py", file=sys.stderr)
        else:
            path.write_text(wanted[path])
            print(f"Wrote {name}.")
    return int(_CHECK.value and bool(stale))


def _is(path: pathlib.Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    app.run(main)
