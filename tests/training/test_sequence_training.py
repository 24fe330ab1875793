"""Recipes on text and on recordings: what is trained on, measured, and written into the folder."""

import json
import math

import numpy as np
import pytest

import keras_ar
from keras_ar.data import Vocabulary, load_audio, load_text, pad_sequences, read_wav, write_wav
from keras_ar.evaluation import evaluate_folder
from keras_ar.training import Trainer, even_batches, read_recipe, run_recipe
from keras_ar.zoo.card import render_card
from keras_ar.zoo.weights_files import weights_sha256

RATE = 1000
_TEXT = "to be, or not to be: that is the question. " * 40

_RECIPE = """
variant = "tiny_sequences"

[model]
class = "{model_class}"
{model}

[data]
name = "{data}"

[sequence]
length = 16
{sequence}

[training]
steps = 6
batch_size = 3
learning_rate = 1e-2
ema_decay = 0.5
steps_per_round = 2
seed = 1

[card]
{card}
"""
_PROSE = (
    "arxiv citation comparison data_note dataset_id dataset_name limits paper_result paper_title "
    "summary"
)
_CARD = "\n".join(f'{key} = "{key}"' for key in _PROSE.split())
_WAVENET = "num_stacks = 1\nlayers_per_stack = 3\nfilters = 4\nskip_filters = 4"


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "hamlet.txt"
    path.write_text(_TEXT)
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder of tones: six to train on, two to validate, three to test."""
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    for split, count in (("train", 6), ("validation", 2), ("test", 3)):
        (folder / split).mkdir()
        for number in range(count):
            time = np.arange(rng.integers(20, 90)) / RATE
            tone = 0.5 * np.sin(2 * np.pi * rng.integers(20, 200) * time)
            write_wav(folder / split / f"{number}.wav", tone.astype("float32"), RATE)
    return folder


def write_recipe(folder, model_class: str, data, model: str, sequence: str = "", card=_CARD):
    path = folder / "recipe.toml"
    path.write_text(
        _RECIPE.format(
            model_class=model_class, data=data, model=model, sequence=sequence, card=card
        )
    )
    return path


@pytest.fixture(scope="module")
def text_folder(text_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("charrnn")
    size = Vocabulary.from_text(load_text(text_file, "train")).size
    recipe = write_recipe(
        folder,
        "CharRNN",
        text_file,
        f"vocabulary_size = {size}\nnum_layers = 1\nunits = 8",
        "carries_state = true",
    )
    return run_recipe(recipe, work_dir=folder / "run", output=folder / "out")


def test_a_model_of_text_comes_with_its_characters_and_what_it_writes(text_folder, text_file):
    vocabulary = keras_ar.zoo.load_vocabulary(text_folder)
    assert vocabulary == Vocabulary.from_text(load_text(text_file, "train"))
    written = (text_folder / "samples.txt").read_text()
    codes = keras_ar.zoo.load(text_folder).sample(1, length=2000, seed=0, verbose=False)
    assert written == vocabulary.decode(codes[0]) + "\n"


def test_text_is_measured_as_one_sequence_in_bits_per_character(text_folder, text_file):
    results = evaluate_folder(text_folder, verbose=False)
    text = load_text(text_file, "test")
    codes = keras_ar.zoo.load_vocabulary(text_folder).encode(text)[None]
    bits = float(keras_ar.zoo.load(text_folder).bits_per_dim(codes)[0])
    assert results["value"] == pytest.approx(bits, rel=1e-5)
    assert (results["unit"], results["num_examples"]) == ("bits/character", 1)
    assert results["num_values"] == len(text)
    assert results["standard_error"] is None
    card = render_card(text_folder)
    assert f"1 ({len(text):,} characters)" in card
    assert f"{results['value']:.3f} bits/character" in card
    assert "pipeline_tag: text-generation" in card


def test_another_vocabulary_is_refused(text_folder):
    path = text_folder / "assets" / "vocabulary.json"
    whole = path.read_text()
    try:
        path.write_text(whole.replace("t", "T"))
        with pytest.raises(ValueError, match=r"not the one that metadata\.json names"):
            keras_ar.zoo.load_vocabulary(text_folder)
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"vocabulary\.json"):
            keras_ar.zoo.load_vocabulary(text_folder)
    finally:
        path.write_text(whole)


def test_a_model_of_images_has_no_vocabulary():
    with pytest.raises(ValueError, match="is no model of text"):
        keras_ar.zoo.load_vocabulary("pixelcnn_binarized_mnist")


def test_a_resumed_run_goes_on_with_what_the_network_remembered(text_file, tmp_path):
    recipe = read_recipe(
        write_recipe(
            tmp_path,
            "CharRNN",
            text_file,
            "vocabulary_size = 16\nnum_layers = 1\nunits = 8\ndropout = 0.3",
            "carries_state = true",
        )
    )
    straight = Trainer(recipe, tmp_path / "straight")
    straight.train()
    stopped = Trainer(recipe, tmp_path / "stopped")
    stopped._train_round(3, lambda: False)
    stopped._save()
    stopped._train_round(1, lambda: False)
    resumed = Trainer(recipe, tmp_path / "stopped")
    resumed.train()
    carried = straight.model._carried.variables
    assert any(np.any(variable.numpy()) for variable in carried)
    for one, other in zip(
        straight._groups["model"] + straight._groups["optimizer"],
        resumed._groups["model"] + resumed._groups["optimizer"],
        strict=True,
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_recordings_are_measured_each_by_itself_and_samples_can_be_heard(recordings, tmp_path):
    recipe = write_recipe(tmp_path, "WaveNet", recordings, _WAVENET)
    places = {"work_dir": tmp_path / "run", "output": tmp_path / "out"}
    with pytest.raises(ValueError, match="shard_megabytes"):
        run_recipe(recipe, **places, shard_megabytes=0.001)
    assert not list(places["output"].iterdir())
    # In several files, which is nothing that anything below could tell.
    folder = run_recipe(recipe, **places, shard_megabytes=0.1)
    assert not (folder / "model.weights.h5").exists()
    results = evaluate_folder(folder, verbose=False)
    assert results["weights_sha256"] == weights_sha256(folder)
    model = keras_ar.zoo.load(folder)
    codes = load_audio(recordings, "test")
    alone = [(-float(model.log_prob(row[row >= 0][None])[0]), (row >= 0).sum()) for row in codes]
    nats, sizes = np.array(alone).T
    assert results["value"] == pytest.approx(nats.sum() / sizes.sum() / math.log(2), rel=1e-5)
    ratio = nats.sum() / sizes.sum()
    error = math.sqrt(np.sum((nats - ratio * sizes) ** 2) / 2 / 3)
    assert results["standard_error"] == pytest.approx(error, rel=1e-3)
    assert json.loads((folder / "metadata.json").read_text())["sample_rate"] == RATE
    heard, rate = read_wav(folder / "audio" / "3.wav")
    assert (len(heard), rate) == (RATE, RATE)
    assert (folder / "samples.png").is_file()
    assert "bits/sample ±" in render_card(folder)


@pytest.mark.slow
def test_a_vocoder_shows_what_it_makes_of_the_features_of_recordings(recordings, tmp_path):
    model = _WAVENET + "\nnum_features = 5\nupsampling = [2, 4]"
    recipe = write_recipe(tmp_path, "WaveNet", recordings, model, 'features = "log_mel"')
    folder = run_recipe(recipe, work_dir=tmp_path / "run", output=tmp_path / "out")
    given, made = (read_wav(folder / "audio" / f"1_{name}.wav")[0] for name in ("given", "made"))
    assert len(given) == len(made)
    assert np.any(given != made)
    assert evaluate_folder(folder, verbose=False)["num_examples"] == 3


def test_batches_for_evaluation_hold_every_sequence_once_and_little_padding():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, 30)
    codes = pad_sequences([rng.integers(0, 256, length) for length in lengths])
    labels = np.arange(30)
    model = keras_ar.WaveNet(num_stacks=1, layers_per_stack=1, filters=2, num_classes=30)
    batches = even_batches((codes, labels), model, 8)
    assert sorted(np.concatenate([condition for _, condition in batches])) == list(range(30))
    for part, condition in batches:
        assert len(part) <= 8
        assert part.shape[1] == lengths[condition].max()
        np.testing.assert_array_equal(part, codes[condition][:, : part.shape[1]])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("length = 1", "length must be at least 2"),
        ('length = 8\nfeatures = "mfcc"', "features must be"),
        ("carries_state = true", "lacks"),
        ("length = 8\nbatch = 2", "unknown keys"),
    ],
)
def test_a_wrong_section_on_sequences_is_refused(lines, message, text_file, tmp_path):
    path = write_recipe(tmp_path, "CharRNN", text_file, "vocabulary_size = 9")
    path.write_text(path.read_text().replace("length = 16", lines))
    with pytest.raises(ValueError, match=message):
        read_recipe(path)
