"""What is published is the folder, checked; and who loads it gets the same model."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from densities import IMAGES, log_prob
from fault_cases import assert_plain
from huggingface_hub import ModelCard
from marks import marked
from registration import files_of
from zoo_variants import ONE_OF_EACH_KIND

import keras_ar
from keras_ar.cli import main
from keras_ar.zoo.readiness import files_to_publish, find_problems
from keras_ar.zoo.weights_files import weights_names

# huggingface_hub 2.4 uploads files in a way that its transport deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ROOT = pathlib.Path(__file__).parents[2]
MINE = "keras-ar-tests/mine"


@pytest.fixture
def mine(tiny_model, tmp_path):
    """A model of one's own, ready to be published."""
    folder = keras_ar.zoo.save(tiny_model, tmp_path / "mine")
    keras_ar.zoo.write_golden(tiny_model, folder, IMAGES)
    keras_ar.zoo.write_own_card(
        folder,
        summary="Four pixels by four.",
        license="mit",
        limits="It knows nothing.",
        base_model="organisation/base",
        datasets=["ylecun/mnist"],
    )
    return folder


def _there(hub, ref: str = "main", repo: str = MINE) -> dict[str, bytes]:
    return hub.commits[repo][hub.refs[repo, ref]]


def test_a_model_of_ones_own_goes_up_and_comes_back_the_same(hub, mine, tiny_model):
    done = keras_ar.zoo.publish(mine, MINE, tag="v1")
    files = _there(hub)
    assert {n: d for n, d in files.items() if n != ".gitattributes"} == {
        path.name: path.read_bytes() for path in mine.iterdir()
    }
    assert hub.refs[MINE, "main"] == hub.refs[MINE, "v1"] == done.revision
    for address in (f"hf://{MINE}", f"hf://{MINE}@v1", f"hf://{MINE}@{done.revision}"):
        model = keras_ar.zoo.load(address)
        assert np.array_equal(log_prob(model), log_prob(tiny_model))


def test_what_is_published_in_another_layout_replaces_the_former_files(hub, mine, tiny_model):
    card = {path.name for path in mine.iterdir()} - {"model.weights.h5"}
    for megabytes in (None, 0.035, 1.0):
        keras_ar.zoo.save(tiny_model, mine, shard_megabytes=megabytes)
        keras_ar.zoo.write_golden(tiny_model, mine, IMAGES)
        keras_ar.zoo.publish(mine, MINE)
        assert set(_there(hub)) - {".gitattributes"} == card | set(weights_names(mine))
        model = keras_ar.zoo.load(f"hf://{MINE}")
        assert np.array_equal(log_prob(model), log_prob(tiny_model))


def test_a_shard_that_is_not_the_one_of_the_index_is_not_uploaded(hub, mine, tiny_model):
    keras_ar.zoo.save(tiny_model, mine, shard_megabytes=0.035)
    keras_ar.zoo.write_golden(tiny_model, mine, IMAGES)
    with open(mine / "model_00001.weights.h5", "ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match="weights are not those"):
        keras_ar.zoo.publish(mine, MINE)
    (mine / "model_00001.weights.h5").unlink()
    with pytest.raises(ValueError, match="it has no model_00001"):
        keras_ar.zoo.publish(mine, MINE)


def test_the_card_of_a_fine_tuned_model_names_its_base(mine):
    data = ModelCard((mine / "README.md").read_text()).data
    assert data.base_model == "organisation/base"
    assert (data.license, data.library_name) == ("mit", "keras")
    assert data.datasets == ["ylecun/mnist"] and "keras_ar" in data.tags


def test_an_unpublished_base_is_named_in_the_text_and_not_as_an_address(mine):
    texts = {"summary": "Digits.", "license": "mit", "limits": "None."}
    path = keras_ar.zoo.write_own_card(mine, base_model="pixelcnn_binarized_mnist", **texts)
    assert ModelCard(path.read_text()).data.base_model is None
    assert "Fine-tuned from `pixelcnn_binarized_mnist`" in path.read_text()
    with pytest.raises(ValueError, match="neither a name"):
        keras_ar.zoo.write_own_card(mine, base_model="some model", **texts)
    with pytest.raises(ValueError, match="needs a limits"):
        keras_ar.zoo.write_own_card(mine, **(texts | {"limits": " "}))


@pytest.mark.parametrize("name", marked(keras_ar.zoo.list(), fast=ONE_OF_EACH_KIND))
def test_every_variant_of_the_zoo_is_fit_to_be_published(name):
    # Among much else: its weights give its golden outputs.
    assert find_problems(keras_ar.zoo.find_folder(name)) == []


@pytest.mark.parametrize("name", keras_ar.zoo.list())
def test_the_folder_of_a_variant_is_exactly_what_would_be_published(name):
    folder = keras_ar.zoo.find_folder(name)
    assert sorted(files_of(folder)) == files_to_publish(folder)


def test_a_pull_request_leaves_the_branch_alone(hub, mine):
    first = keras_ar.zoo.publish(mine, MINE)
    text = (mine / "README.md").read_text()
    (mine / "README.md").write_text(text + "\nMore.\n")
    done = keras_ar.zoo.publish(mine, MINE, create_pr=True)
    assert done.pull_request.endswith("/discussions/1")
    assert hub.refs[MINE, "main"] == first.revision != done.revision
    assert _there(hub, "refs/pr/1")["README.md"].endswith(b"More.\n")


def test_a_card_that_somebody_wrote_there_is_not_overwritten(hub, mine):
    hub.add(MINE, {"README.md": b"by hand"})
    with pytest.raises(FileExistsError, match="create_pr") as caught:
        keras_ar.zoo.publish(mine, MINE)
    assert_plain(caught.value)
    assert _there(hub) == {"README.md": b"by hand"}


def test_other_files_of_the_folder_stay_at_home(hub, mine):
    (mine / "secret.txt").write_text("mine")
    (mine / ".env").write_text("TOKEN=1")
    keras_ar.zoo.publish(mine, MINE)
    assert not {"secret.txt", ".env"} & set(_there(hub))


def _unfinished(folder):
    path = folder / "README.md"
    path.write_text(path.read_text() + "\nTODO\n")


def _no_license(folder):
    path = folder / "README.md"
    path.write_text(path.read_text().replace("license: mit\n", ""))


def _bad_header(folder):
    path = folder / "README.md"
    path.write_text(path.read_text().replace("license: mit", "license: [mit"))


def _other_golden(folder):
    golden = dict(np.load(folder / "golden.npz"))
    np.savez_compressed(folder / "golden.npz", **golden | {"log_prob": golden["log_prob"] + 1})
    path = folder / "metadata.json"
    digest = keras_ar.zoo.model_files.sha256_of(folder / "golden.npz")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"golden_sha256": digest}))


def _swapped_golden(folder):
    golden = dict(np.load(folder / "golden.npz"))
    np.savez_compressed(folder / "golden.npz", **golden, more=1)


def _other_weights(folder):
    with open(folder / "model.weights.h5", "ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_unfinished, "says TODO"),
        (_no_license, "has no license"),
        (_bad_header, "no valid YAML"),
        (_other_golden, "not reproduced"),
        (_swapped_golden, "not the one that metadata"),
        (_other_weights, "weights are not those"),
        *[
            (lambda folder, name=name: (folder / name).unlink(), f"it has no {name}")
            for name in ("README.md", "golden.npz", "metadata.json", "config.json")
        ],
    ],
)
def test_what_is_not_fit_is_not_uploaded(hub, mine, spoil, message):
    spoil(mine)
    with pytest.raises(ValueError, match=message) as caught:
        keras_ar.zoo.publish(mine, MINE)
    assert_plain(caught.value)
    assert hub.log == []


def _old_results(folder):
    path = folder / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights_sha256": "0" * 64}))


def _better_number(folder):
    path = folder / "README.md"
    path.write_text(re.sub(r"(?<=value: )\d+", "18", path.read_text()))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_old_results, "older than the weights"),
        (_better_number, "not the card of these results"),
        (lambda folder: (folder / "results.json").unlink(), "has no results.json"),
        (lambda folder: (folder / "samples.png").unlink(), "has no samples.png"),
    ],
)
def test_a_variant_whose_results_are_not_its_own_is_not_fit(tmp_path, spoil, message):
    source = keras_ar.zoo.find_folder("pixelcnn_binarized_mnist")
    folder = shutil.copytree(source, tmp_path / source.name)
    before = (folder / "README.md").read_text()
    spoil(folder)
    if spoil is _better_number:
        assert (folder / "README.md").read_text() != before
    [problem] = find_problems(folder)
    assert message in problem


@pytest.mark.parametrize("repo_id", ["mine", "", "a/b/c", "../x", "a/..", "https://x/y", "a b/c"])
def test_a_repository_that_is_none_is_refused(hub, mine, repo_id):
    with pytest.raises(ValueError, match="is not organisation/name"):
        keras_ar.zoo.publish(mine, repo_id)
    assert hub.log == []


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_hub_that_refuses_the_upload_is_one_sentence(hub, mine, status):
    hub.fail("POST", lambda handler, body: handler.reply(status, b"no"))
    with pytest.raises(OSError) as caught:
        keras_ar.zoo.publish(mine, MINE)
    assert "cache" not in assert_plain(caught.value)
    assert MINE not in hub.commits


def test_a_dry_run_shows_what_would_go_up_and_uploads_nothing(hub, mine, capsys):
    assert main(["publish", str(mine), "--dry-run"]) == 0
    out = capsys.readouterr().out
    for name in files_to_publish(mine):
        assert f"  {name} " in out
    assert "Nothing was uploaded." in out
    assert hub.log == []


def test_a_dry_run_names_what_is_missing(mine, capsys):
    (mine / "golden.npz").unlink()
    assert main(["publish", str(mine), "--dry_run"]) == 1
    assert "it has no golden.npz" in capsys.readouterr().err


def test_publishing_a_variant_prints_the_line_that_registers_it(hub, capsys, tmp_path):
    name = "pixelcnn_binarized_mnist"
    repo_id = f"keras-ar-tests/{name}"
    assert main(["publish", name, "--repo_id", repo_id, "--tag=v1"]) == 0
    out = capsys.readouterr().out
    commit = hub.refs[repo_id, "main"]
    assert hub.refs[repo_id, "v1"] == commit
    assert f"Published hf://{repo_id}@{commit}\n" in out
    line = f"--published {name}={repo_id}@{commit}"
    assert out.endswith(f"python scripts/render_registry.py {line}\n")
    # The printed line does what it says.
    shutil.copytree(ROOT / "zoo" / name, tmp_path / "zoo" / name)
    (tmp_path / "keras_ar" / "zoo").mkdir(parents=True)
    script = [sys.executable, ROOT / "scripts" / "render_registry.py", "--root", tmp_path]
    subprocess.run([*script, *line.split()], check=True, capture_output=True)
    assert commit in (tmp_path / "keras_ar" / "zoo" / "registry.py").read_text()


def test_where_to_publish_must_be_said(capsys):
    assert main(["publish", "pixelcnn_binarized_mnist"]) == 2
    assert "--repo_id says where" in capsys.readouterr().err


@pytest.mark.slow
def test_the_script_is_the_command(mine):
    script = [sys.executable, str(ROOT / "scripts" / "publish.py"), f"--folder={mine}"]
    done = subprocess.run([*script, "--dry_run"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Nothing was uploaded." in done.stdout
