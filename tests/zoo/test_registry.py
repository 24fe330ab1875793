"""Registry, folders, docs and results say the same, and nothing unpublished has an address."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

import keras_ar
from keras_ar.zoo.model_files import sha256_of

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "render_registry.py"
VARIANTS = list(keras_ar.zoo.REGISTRY.values())
every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _run(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_registry_is_the_one_that_the_folders_render_today():
    done = _run("--check")
    assert done.returncode == 0, done.stderr


def test_every_folder_of_the_zoo_is_registered():
    folders = {path.parent.name for path in (ROOT / "zoo").glob("*/config.json")}
    assert folders <= set(keras_ar.zoo.REGISTRY)


@every_variant
def test_a_record_names_the_files_and_the_result_of_its_folder(variant):
    folder = keras_ar.zoo.find_folder(variant.name)
    weights = folder / "model.weights.h5"
    results = json.loads((folder / "results.json").read_text())
    assert variant.weights_sha256 == sha256_of(weights) == results["weights_sha256"]
    assert variant.weights_size == weights.stat().st_size
    assert (variant.metric, variant.value) == (results["metric"], round(results["value"], 4))


@every_variant
def test_the_docs_state_parameters_and_result_of_a_record(variant):
    page = (ROOT / "docs" / "zoo.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith(f"| [`{variant.name}`]")]
    assert f"| {variant.parameters:,} |" in row
    # Two digits, or three where the unit is that of a sequence.
    assert any(f" {variant.value:.{digits}f} " in row for digits in (2, 3))


@every_variant
def test_a_card_states_licence_and_paper_of_a_record(variant):
    from huggingface_hub import ModelCard

    card = ModelCard((keras_ar.zoo.find_folder(variant.name) / "README.md").read_text())
    assert card.data.license == variant.license
    assert f"arxiv:{variant.paper}" in card.data.tags


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        VARIANTS[0].revision = COMMIT
    with pytest.raises(TypeError):
        keras_ar.zoo.REGISTRY["mine"] = VARIANTS[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repo_id": "a/b"}, "both repo_id and revision"),
        ({"repo_id": "a/b", "revision": "main"}, "is not a commit"),
        ({"repo_id": "a/b", "revision": COMMIT[:-1]}, "is not a commit"),
        ({"weights_sha256": "0" * 63}, "is not a sha256"),
    ],
)
def test_half_an_address_and_a_movable_revision_are_refused(change, message):
    unpublished = dataclasses.replace(VARIANTS[0], repo_id=None, revision=None)
    assert not unpublished.is_published
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(unpublished, **change)


@pytest.fixture
def copy(tmp_path):
    """A copy of the repository's registry and of one folder."""
    shutil.copytree(ROOT / "zoo" / VARIANTS[0].name, tmp_path / "zoo" / VARIANTS[0].name)
    (tmp_path / "keras_ar" / "zoo").mkdir(parents=True)
    return tmp_path


def test_an_address_is_kept_until_the_weights_change(copy):
    name, registry = VARIANTS[0].name, copy / "keras_ar" / "zoo" / "registry.py"
    published = f"{name}=keras-ar-tests/{name}@{COMMIT}"
    assert _run("--root", copy, "--published", published).returncode == 0
    assert COMMIT in registry.read_text()
    assert _run("--root", copy, "--check").returncode == 0
    with open(copy / "zoo" / name / "model.weights.h5", "ab") as file:
        file.write(b"trained on")
    assert _run("--root", copy, "--check").returncode == 1
    assert _run("--root", copy).returncode == 0
    assert COMMIT not in registry.read_text()


def test_shards_are_registered_by_their_index_and_the_size_of_all(copy):
    name = VARIANTS[0].name
    folder = copy / "zoo" / name
    facts = json.loads((folder / "metadata.json").read_text())
    kept = {key: value for key, value in facts.items() if not key.startswith("weights_")}
    keras_ar.zoo.save(keras_ar.zoo.load(name), folder, metadata=kept, shard_megabytes=2.0)
    sizes = [path.stat().st_size for path in folder.iterdir() if ".weights." in path.name]
    assert len(sizes) > 2
    assert _run("--root", copy).returncode == 0
    text = (copy / "keras_ar" / "zoo" / "registry.py").read_text()
    assert f'weights_sha256="{sha256_of(folder / "model.weights.json")}"' in text
    assert f"weights_size={sum(sizes):_}," in text


def test_an_address_without_a_commit_is_refused(copy):
    done = _run("--root", copy, "--published", f"{VARIANTS[0].name}=a/b@main")
    assert done.returncode and "a commit of 40 digits" in done.stdout + done.stderr
