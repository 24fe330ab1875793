"""Text on the command line, and sequences of which nothing is known."""

import json

import numpy as np
import pytest

from keras_ar import zoo
from keras_ar.cli import main
from keras_ar.data import Vocabulary

pytestmark = pytest.mark.usefixtures("loaded_once")
CHARACTERS = "\n :ABEMORT"  # Those of the model in conftest.py.
VOCABULARY = Vocabulary(CHARACTERS)


def refused(capsys, code: int, *arguments) -> str:
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[0]


def test_the_text_that_is_printed_is_the_one_of_the_seed(text_folder, capsys):
    assert main(["sample", str(text_folder), "--seed=2"]) == 0
    captured = capsys.readouterr()
    model = zoo.load(str(text_folder))
    model.sampler.chunk = 512  # The command draws less at once, which must not matter.
    wanted = model.sample(1, length=500, seed=2, verbose=False)[0]
    assert captured.out == VOCABULARY.decode(wanted) + "\n"
    assert captured.err == ""


def test_text_is_printed_while_it_is_drawn(text_folder, monkeypatch):
    import builtins

    printed = []

    def collect(text="", end="\n", flush=False):
        printed.append((text, flush))

    monkeypatch.setattr(builtins, "print", collect)
    assert main(["sample", str(text_folder), "--length=40"]) == 0
    lengths = [len(text) for text, flush in printed if text and flush]
    assert lengths == [16, 16, 8]


@pytest.mark.parametrize("command", ["sample", "complete"])
def test_a_prompt_is_continued(text_folder, tmp_path, command, capsys):
    output, prompt = tmp_path / "text.txt", "ROMEO:\n"
    options = ["--temperature=0.7", "--top_k=5", "--top_p=0.9", "--length=20", f"--output={output}"]
    assert main([command, str(text_folder), "--prompt", prompt, *options]) == 0
    wanted = zoo.load(str(text_folder)).complete(
        VOCABULARY.encode(prompt)[None], length=27, seed=0, temperature=0.7, top_k=5, top_p=0.9
    )
    text = VOCABULARY.decode(wanted[0])
    assert text.startswith(prompt) and len(text) == 27
    assert capsys.readouterr().out == text + "\n"
    assert output.read_bytes() == text.encode()


def test_characters_that_the_model_does_not_know_are_named(text_folder, monkeypatch, capsys):
    monkeypatch.setattr(zoo, "load", lambda name: pytest.fail("The model was loaded."))
    message = refused(capsys, 1, "sample", text_folder, "--prompt=ROMEO & JULIET")
    assert "--prompt" in message and "'&' at position 6" in message and repr(CHARACTERS) in message


@pytest.mark.parametrize("flag", ["count=2", "seconds=1", "digit=7", "features_of=a.wav"])
def test_flags_of_other_models_are_refused(text_folder, flag, monkeypatch, capsys):
    monkeypatch.setattr(zoo, "load", lambda name: pytest.fail("The model was loaded."))
    message = refused(capsys, 2, "sample", text_folder, f"--{flag}")
    assert f"--{flag.split('=')[0]} is for models of" in message
    assert message.endswith("is a model of text.")


@pytest.mark.parametrize(
    ("command", "flag"),
    [("sample", "length=7"), ("complete", "recording=a.wav"), ("sample", "prompt=a")],
)
def test_flags_of_sequences_are_refused_by_models_of_images(binary_folder, command, flag, capsys):
    assert "is a model of images" in refused(capsys, 2, command, binary_folder, f"--{flag}")


def test_complete_asks_for_what_the_model_can_continue(
    text_folder, digit_folder, binary_folder, capsys
):
    folders = {"prompt": text_folder, "recording": digit_folder, "images": binary_folder}
    for flag, folder in folders.items():
        assert f"--{flag}" in refused(capsys, 2, "complete", folder)
    other = ["--split=test", "--prompt=A", "--recording=a.wav"]
    for folder in folders.values():
        assert "is for models of" in refused(capsys, 2, "complete", folder, *other)


def test_sequences_of_which_nothing_is_known_are_not_drawn(nameless_folder, capsys):
    for flags in (["sample"], ["complete", "--prompt=A"]):
        command, *more = flags
        assert main([command, str(nameless_folder), *more]) != 0
        assert "sequences" in capsys.readouterr().err
    assert main(["info", str(nameless_folder)]) == 0
    assert "9 codes before the one that is predicted\n" in capsys.readouterr().out


def test_a_sample_rate_that_is_none_is_refused(nameless_folder, tmp_path, capsys):
    import shutil

    folder = shutil.copytree(nameless_folder, tmp_path / "model")
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps(metadata | {"sample_rate": "fast"}))
    assert "'fast'" in refused(capsys, 1, "sample", folder)


def test_info_tells_of_the_text(text_folder, capsys):
    assert main(["info", str(text_folder)]) == 0
    out = capsys.readouterr().out
    assert f"vocabulary: {len(CHARACTERS)} characters: {CHARACTERS!r}" in out
    assert "receptive_field: 9 characters before the one that is predicted\n" in out
    assert "sample_rate" not in out and "levels" not in out
    for flag in ("plot=a.png", "row=1", "column=1", "trials=1"):
        assert "is for models of images" in refused(capsys, 2, "info", text_folder, f"--{flag}")


def test_evaluate_says_bits_per_character(text_folder, tmp_path, monkeypatch, capsys):
    text = "ROMEO: TEAR ME\n" * 10
    (tmp_path / "own.txt").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(text_folder), "--split=validation"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["unit"] == "bits/character"
    codes = VOCABULARY.encode(text[135:142])[None]
    wanted = float(zoo.load(str(text_folder)).bits_per_dim(codes)[0])
    np.testing.assert_allclose(results["value"], wanted, rtol=1e-5)
    assert "has one order" in refused(capsys, 2, "evaluate", text_folder, "--orders=2")


def test_list_prints_the_unit_of_sequences(monkeypatch, capsys):
    facts = {"model_class": "CharRNN", "value": 2.125, "metric": "bits_per_dim"}
    monkeypatch.setattr(zoo, "list", lambda: ["one"])
    monkeypatch.setattr(zoo, "describe", lambda name: facts | {"unit": "bits/character"})
    assert main(["list"]) == 0
    assert capsys.readouterr().out.endswith("2.12 bits/character\n")
