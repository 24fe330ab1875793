import json
import math
import re
import shutil

import keras
import numpy as np
import PIL.Image
import pytest

from keras_ar import zoo
from keras_ar.cli import main

SCALE = 16  # 6 x 5 images are enlarged so much.
CELL = (6, 7)  # Columns and rows of a cell of the sheet, gap included.


def sheet_size(columns: int, rows: int) -> tuple[int, int]:
    return SCALE * (CELL[0] * columns + 1), SCALE * (CELL[1] * rows + 1)


def cells(path, columns: int, rows: int) -> np.ndarray:
    """The images of a sheet, ``(rows, columns, height, width)``."""
    with PIL.Image.open(path) as sheet:
        small = np.asarray(sheet)[::SCALE, ::SCALE][:-1, :-1]
    small = small.reshape(rows, CELL[1], columns, CELL[0]).swapaxes(1, 2)
    return small[:, :, 1:, 1:]


def test_list_prints_every_model_with_its_result(monkeypatch, capsys):
    facts = {
        "one": {"model_class": "PixelCNN", "parameters": 1234, "value": 81.3, "metric": "nats"},
        "another_one": {"model_class": "PixelCNNPP", "parameters": None, "value": None},
    }
    monkeypatch.setattr(zoo, "list", lambda: list(facts))
    monkeypatch.setattr(zoo, "describe", facts.get)
    assert main(["list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["one", "PixelCNN", "1,234", "parameters", "81.30", "nats"]
    assert second.split() == ["another_one", "PixelCNNPP"]


def test_list_says_that_an_empty_zoo_is_empty(monkeypatch, capsys):
    monkeypatch.setattr(zoo, "list", list)
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "The zoo is empty.\n"


def test_info_prints_facts_layers_and_receptive_field(binary_folder, tmp_path, capsys):
    plot = tmp_path / "field.png"
    assert main(["info", str(binary_folder), "--row", "2", "--column=1", f"--plot={plot}"]) == 0
    out = capsys.readouterr().out
    model = zoo.load(binary_folder)
    assert "model_class: PixelCNN" in out in out
    assert f"{model.count_params():,} numbers" in out and "MaskedConv2D" in out
    field = out.split("(#)\n")[1].splitlines()[:6]
    assert [len(line) for line in field] == [5] * 6
    assert field[2][1] == "@" and field[3:] == ["....."] * 3 and "#" in "".join(field)
    with PIL.Image.open(plot) as picture:
        assert picture.size == (500, 500)


def test_info_leaves_the_receptive_field_out_on_request(binary_folder, capsys):
    assert main(["info", "--noreceptive_field", str(binary_folder)]) == 0
    assert "@" not in capsys.readouterr().out


def test_sample_writes_the_samples_of_the_library(binary_folder, tmp_path, capsys):
    output = tmp_path / "sheet.png"
    arguments = ["--count", "6", "--seed", "3", "--temperature", "0.8", f"--output={output}"]
    assert main(["sample", str(binary_folder), *arguments]) == 0
    with PIL.Image.open(output) as sheet:
        assert sheet.size == sheet_size(columns=3, rows=2) and sheet.mode == "L"
    model = zoo.load(binary_folder)
    wanted = model.sample(6, seed=3, temperature=0.8)
    shown = cells(output, columns=3, rows=2).reshape(6, 6, 5)
    np.testing.assert_array_equal(shown, wanted[..., 0] * 255)
    bits = float(np.mean(model.bits_per_dim(wanted)))
    assert capsys.readouterr().out == (
        f"Wrote {output}: 6 images of {bits:.4f} bits per dimension on average.\n"
    )


@pytest.mark.parametrize("condition", ["2", "0,1,2,0"])
def test_sample_passes_class_ids_on(conditional_folder, tmp_path, condition):
    output = tmp_path / "sheet.png"
    arguments = ["--count=4", f"--condition={condition}", f"--output={output}"]
    assert main(["sample", str(conditional_folder), *arguments]) == 0
    wanted = zoo.load(conditional_folder).sample(
        4, seed=0, condition=[2, 2, 2, 2] if condition == "2" else [0, 1, 2, 0]
    )
    shown = cells(output, columns=2, rows=2).reshape(4, 6, 5)
    np.testing.assert_array_equal(shown, wanted[..., 0] * 85)


def test_a_condition_may_be_an_array_in_a_file(embedding_folder, tmp_path):
    embedding = np.float32([0.5, -2.0])
    np.save(tmp_path / "embedding.npy", embedding)
    output = tmp_path / "sheet.png"
    arguments = ["--count=4", f"--condition={tmp_path / 'embedding.npy'}", f"--output={output}"]
    assert main(["sample", str(embedding_folder), *arguments]) == 0
    wanted = zoo.load(embedding_folder).sample(4, seed=0, condition=embedding)
    shown = cells(output, columns=2, rows=2).reshape(4, 6, 5)
    np.testing.assert_array_equal(shown, wanted[..., 0] * 255)


@pytest.fixture
def pictures(tmp_path) -> list:
    """Two binary images as files, of the tiny models' size."""
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, image in zip(paths, np.random.default_rng(0).integers(0, 2, (2, 6, 5)), strict=True):
        PIL.Image.fromarray((255 * image).astype("uint8")).save(path)
    return paths


@pytest.mark.parametrize("option", ["rows", "mask", "default"])
def test_complete_shows_given_masked_and_completed(binary_folder, pictures, tmp_path, option):
    known = np.zeros((6, 5), bool)
    known[:3] = True
    arguments = ["--rows_known=2"] if option == "rows" else []
    if option == "rows":
        known[2] = False
    if option == "mask":
        known[4, 1:3] = True
        PIL.Image.fromarray((255 * known).astype("uint8")).save(tmp_path / "mask.png")
        arguments = [f"--mask={tmp_path / 'mask.png'}"]
    output = tmp_path / "out.png"
    arguments += [f"--images={path}" for path in pictures]
    assert main(["complete", str(binary_folder), *arguments, f"--output={output}"]) == 0
    given, masked, completed = cells(output, columns=3, rows=2).swapaxes(0, 1)
    for path, image in zip(pictures, given, strict=True):
        np.testing.assert_array_equal(image, np.asarray(PIL.Image.open(path)))
    np.testing.assert_array_equal(masked, np.where(known, given, 128))
    wanted = zoo.load(binary_folder).complete(given[..., None] // 255, known, seed=0)
    np.testing.assert_array_equal(completed, 255 * wanted[..., 0])


def test_complete_takes_images_and_labels_from_the_recipe_s_data(
    conditional_folder, tmp_path, monkeypatch
):
    from keras_ar import data

    recipe = """
        variant = "tiny"
        model = {class = "GatedPixelCNN"}
        data = {name = "mnist", labels = true}
        training = {steps = 1, batch_size = 1, learning_rate = 1.0}
    """
    folder = shutil.copytree(conditional_folder, tmp_path / "model")
    (folder / "recipe.toml").write_text(recipe)
    asked = []

    def load_examples(name, split, *, labels, limit):
        asked.append((name, split, labels, limit))
        return np.full((limit, 6, 5, 1), 3, "uint8"), np.arange(limit)

    monkeypatch.setattr(data, "load_examples", load_examples)
    output = tmp_path / "out.png"
    arguments = ["--split=test[5:]", "--count=3", "--rows_known=0", f"--output={output}"]
    assert main(["complete", str(folder), *arguments]) == 0
    assert asked == [("mnist", "test[5:]", True, 3)]
    given, masked, completed = cells(output, columns=3, rows=3).swapaxes(0, 1)
    assert np.all(given == 255) and np.all(masked == 128)
    wanted = zoo.load(folder).sample(3, seed=0, condition=[0, 1, 2])
    np.testing.assert_array_equal(completed, 85 * wanted[..., 0])


def test_evaluate_prints_what_the_library_measured(binary_folder, monkeypatch, capsys):
    from keras_ar import evaluation

    def evaluate_folder(folder, **options):
        return {"folder": str(folder), **options}

    monkeypatch.setattr(evaluation, "evaluate_folder", evaluate_folder)
    assert main(["evaluate", str(binary_folder), "--limit", "7", "--split=validation"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "folder": str(binary_folder),
        "split": "validation",
        "limit": 7,
        "orders": None,
        "importance_samples": None,
        "batch_size": 100,
    }


def test_train_runs_the_recipe(tmp_path, monkeypatch, capsys):
    from absl import logging

    from keras_ar import training

    calls = []

    def run_recipe(recipe, *, workers, **options):
        assert workers.count == 1
        calls.append((str(recipe), options))
        return options["output"]

    monkeypatch.setattr(training, "run_recipe", run_recipe)
    monkeypatch.setattr(logging, "use_absl_handler", lambda: None)
    monkeypatch.setattr(logging, "set_verbosity", lambda level: None)
    more = ["--output=o", "--nofloat16", "--shard_megabytes=15"]
    assert main(["train", "--recipe", str(tmp_path), "--work_dir=runs", "--minutes=1.5"]) == 0
    assert main(["train", "--recipe=a/b.toml", "--work_dir=r", *more]) == 0
    assert calls == [
        (
            str(tmp_path),
            {"work_dir": "runs", "output": tmp_path, "minutes": 1.5}
            | {"float16": True, "shard_megabytes": None},
        ),
        (
            "a/b.toml",
            {"work_dir": "r", "output": "o", "minutes": None}
            | {"float16": False, "shard_megabytes": 15.0},
        ),
    ]
    assert capsys.readouterr().out.splitlines() == [f"Wrote {tmp_path}.", "Wrote o."]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it.")
def test_export_writes_the_next_version(binary_folder, tmp_path, capsys):
    import tensorflow as tf

    assert main(["export", str(binary_folder), str(tmp_path / "base")]) == 0
    out = capsys.readouterr().out
    assert f"Wrote {tmp_path / 'base' / '1'} with" in out
    reloaded = tf.saved_model.load(str(tmp_path / "base" / "1"))
    for name in set(reloaded.signatures) - {"serving_default"}:
        assert re.search(rf"\b{name}\b", out)
    images = np.ones((2, 6, 5, 1), "uint8")
    nats = reloaded.signatures["serving_default"](images=tf.constant(images))["log_prob"]
    wanted = zoo.load(binary_folder).log_prob(images)
    assert math.isclose(float(nats[0]), float(wanted[0]), rel_tol=1e-5)
