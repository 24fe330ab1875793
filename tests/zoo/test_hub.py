"""Names lead to a folder, to the package, to the Hub's cache, or to a download; in this order."""

import ast
import json
import pathlib

import huggingface_hub
import keras
import numpy as np
import pytest
from densities import IMAGES, log_prob
from huggingface_hub import constants
from marks import marked
from registration import REPO, files_of, register
from zoo_variants import ONE_OF_EACH_KIND

import keras_ar
from keras_ar.zoo import location
from keras_ar.zoo.location import locate
from keras_ar.zoo.preset import save


def test_a_registered_name_is_downloaded_once_and_then_needs_no_network(published, hub):
    first = log_prob("tiny")
    assert hub.requests("GET /store/")
    hub.log.clear()
    assert np.array_equal(log_prob("tiny"), first)
    assert hub.log == []


def test_the_pinned_commit_is_loaded_though_the_branch_moved_on(published, hub, tiny_files):
    before = log_prob("tiny")
    hub.add(published.repo_id, {**tiny_files, "config.json": b"{}"})
    assert np.array_equal(log_prob("tiny"), before)


def test_a_local_folder_comes_before_a_registered_name(published, hub, tmp_path, monkeypatch):
    keras.utils.set_random_seed(5)
    model = keras_ar.PixelCNN((4, 4, 1), levels=2, filters=2, num_blocks=1, head_filters=2)
    save(model, tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert keras_ar.zoo.load("tiny").count_params() == model.count_params()
    assert hub.log == []


def test_a_folder_that_is_no_model_hides_no_registered_name(published, tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert locate("tiny").variant is published


def test_a_bundled_variant_asks_no_server(hub):
    keras_ar.zoo.load("pixelcnn_binarized_mnist")
    assert hub.log == []


@pytest.mark.parametrize("revision", ["", "@main", "@v1", "@COMMIT", "@refs/pr/3"])
def test_an_address_on_the_hub_leads_to_its_revision(hub, tiny_files, tiny_folder, revision):
    commit = hub.add(REPO, tiny_files)
    # What has another revision must not be taken.
    other = {**tiny_files, "config.json": b"{}"}
    for ref in ("main", "v1", "refs/pr/3"):
        hub.add(REPO, tiny_files if ref == (revision[1:] or "main") else other, ref)
    address = f"hf://{REPO}{revision}".replace("COMMIT", commit)
    assert np.array_equal(log_prob(address), log_prob(tiny_folder))


def test_keras_reads_the_repository_by_itself(hub, tiny_files, tiny_folder, monkeypatch):
    hub.add(REPO, tiny_files)
    model = keras.saving.load_model(f"hf://{REPO}")
    assert type(model) is keras_ar.PixelCNN
    assert np.array_equal(log_prob(model), log_prob(tiny_folder))


@pytest.mark.parametrize("name", marked(keras_ar.zoo.list(), fast=ONE_OF_EACH_KIND))
def test_one_folder_has_three_readers(hub, name):
    folder = keras_ar.zoo.find_folder(name)
    hub.add(f"keras-ar-tests/{name}", files_of(folder))
    models = [
        keras_ar.zoo.load(name),
        keras.saving.load_model(folder),
        keras.saving.load_model(f"hf://keras-ar-tests/{name}"),
    ]
    first, *others = [model.get_weights() for model in models]
    assert [type(model) for model in models] == [type(models[0])] * 3
    for weights in others:
        assert all(np.array_equal(a, b) for a, b in zip(first, weights, strict=True))


def test_a_model_of_text_comes_with_its_vocabulary_and_one_of_images_asks_for_none(hub):
    text, images = "charrnn_tiny_shakespeare", "pixelcnn_binarized_mnist"
    for name in (text, images):
        hub.add(f"keras-ar-tests/{name}", files_of(keras_ar.zoo.find_folder(name)))
    found = keras_ar.zoo.load_vocabulary(f"hf://keras-ar-tests/{text}")
    assert found == keras_ar.zoo.load_vocabulary(text)
    assert len(hub.requests("vocabulary")) > 0
    before = len(hub.requests("vocabulary"))
    keras_ar.zoo.load(f"hf://keras-ar-tests/{images}")
    assert len(hub.requests("vocabulary")) == before


def test_a_token_is_sent_to_the_hub_and_to_nobody_else(published, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    keras_ar.zoo.load("tiny")
    sent = dict(zip(hub.log, hub.tokens, strict=True))
    stores = {line: token for line, token in sent.items() if "/store/" in line}
    assert stores and set(stores.values()) == {None}
    assert {token for line, token in sent.items() if line not in stores} == {"Bearer hf_secret"}


def test_only_what_a_model_needs_is_downloaded(published, hub, tiny_files, monkeypatch):
    files = {**tiny_files, "huge.bin": b"0" * 100, "assets/../../evil.json": b"{}"}
    register(monkeypatch, files, hub.add(REPO, files))
    keras_ar.zoo.load("tiny")
    asked = {line.rpartition("/")[2] for line in hub.requests("HEAD|resolve")}
    assert asked == {"config.json", "metadata.json", "model.weights.h5"}


def test_of_weights_in_shards_the_index_and_what_it_names_is_downloaded_once(
    hub, sharded_folder, tiny_folder, monkeypatch
):
    files = files_of(sharded_folder)
    stray = {"model.weights.h5": b"0", "model_00099.weights.h5": b"0"}
    register(monkeypatch, files, hub.add(REPO, files | stray))
    expected = log_prob(tiny_folder)
    assert np.array_equal(log_prob("tiny"), expected)
    asked = {line.rpartition("/")[2] for line in hub.requests("HEAD|resolve")}
    assert asked == set(files)
    hub.log.clear()
    assert np.array_equal(log_prob("tiny"), expected)
    assert hub.log == []
    assert np.array_equal(log_prob(f"hf://{REPO}"), expected)


def test_downloading_shows_a_progress_bar_of_the_bytes(published, capfd, monkeypatch):
    # What the client asks for to show its bars where there is no terminal.
    monkeypatch.setenv("TQDM_POSITION", "-1")
    keras_ar.zoo.load("tiny")
    size = published.weights_size / 1000
    assert f"{size:.1f}k/{size:.1f}k" in capfd.readouterr().err


def test_describing_a_variant_downloads_nothing(published, hub):
    facts = keras_ar.zoo.describe("tiny")
    assert hub.log == []
    assert facts["repo_id"] == REPO and facts["folder"] is None


def test_what_is_neither_published_nor_bundled_says_so(published, hub, monkeypatch):
    from keras_ar.zoo import location

    unpublished = {
        "gone": location.dataclasses.replace(published, name="gone", repo_id=None, revision=None)
    }
    monkeypatch.setattr("keras_ar.zoo.location.REGISTRY", unpublished)
    with pytest.raises(FileNotFoundError, match="has not been published yet"):
        keras_ar.zoo.load("gone")
    assert hub.log == []


def test_a_repository_that_keras_made_is_checked_by_the_hash_of_the_hub(
    hub, tiny_model, tmp_path, tiny_files
):
    tiny_model.compile("adam")
    tiny_model.fit(IMAGES, verbose=0)
    keras.saving.save_model(tiny_model, tmp_path / "plain", zipped=False)
    files = {p.name: p.read_bytes() for p in (tmp_path / "plain").iterdir() if p.is_file()}
    assert "weights_sha256" not in json.loads(files["metadata.json"])
    hub.add(REPO, files)
    expected = log_prob(tiny_model)
    assert np.array_equal(log_prob(f"hf://{REPO}"), expected)
    blob = locate(f"hf://{REPO}").folder / "model.weights.h5"
    blob.write_bytes(blob.read_bytes()[::-1])
    with pytest.raises(ValueError, match="another sha256"):
        keras_ar.zoo.load(f"hf://{REPO}")


def test_loading_what_is_bundled_imports_no_client_of_the_hub():
    # Read, not run: Keras imports the client itself where it is installed.
    source = pathlib.Path(location.__file__).parent
    for path in source.glob("*.py"):
        imports = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ImportFrom)]
        for node in imports:
            is_hub = node.module.split(".")[0] == "huggingface_hub" or node.module.endswith("hub")
            assert not is_hub or path.name in {"hub.py", "hub_errors.py", "card.py"}, path.name


def test_the_cache_is_that_of_the_hub(published, hub):
    keras_ar.zoo.load("tiny")
    [repository] = huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE).repos
    assert repository.repo_id == REPO
    assert {revision.commit_hash for revision in repository.revisions} == {published.revision}
