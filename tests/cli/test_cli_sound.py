"""Sound on the command line."""

import re
import wave

import numpy as np
import pytest

from keras_ar import zoo
from keras_ar.cli import main
from keras_ar.data import linear_decode, mu_law_decode, mu_law_encode, read_wav, write_wav
from keras_ar.training import load_split, read_recipe

RATE = 1000  # That of the models in conftest.py.
pytestmark = pytest.mark.usefixtures("loaded_once")


def codes_of(path, levels: int = 256) -> np.ndarray:
    """The codes of a file whose header is that of the model's sound."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, RATE)
    waveform, _ = read_wav(path)
    return mu_law_encode(waveform, levels)


@pytest.mark.parametrize(
    ("flags", "condition"),
    [
        (["--digit=7"], [7, 0]),
        (["--digit=7", "--speaker=jackson"], [7, 1]),
        (["--digit=0", "--speaker", "5"], [0, 5]),
        (["--condition=3,2"], [3, 2]),
    ],
)
def test_sample_writes_the_digit_and_speaker_that_were_asked_for(
    digit_folder, tmp_path, flags, condition, capsys
):
    output = tmp_path / "seven.wav"
    arguments = [*flags, "--seconds=0.06", "--seed=3", f"--output={output}"]
    assert main(["sample", str(digit_folder), *arguments]) == 0
    model = zoo.load(str(digit_folder))
    wanted = model.sample(1, length=60, condition=condition, seed=3)
    np.testing.assert_array_equal(codes_of(output), wanted[0])
    bits = float(model.bits_per_dim(wanted, condition)[0])
    assert capsys.readouterr().out == f"Wrote {output}: 0.06 s of {bits:.4f} bits per sample.\n"


def test_sample_numbers_the_files_of_several_recordings(digit_folder, tmp_path, capsys):
    output = tmp_path / "two.wav"
    arguments = ["--count=2", "--seconds=0.06", "--digit=1", "--temperature=0.5", "--top_k=9"]
    assert main(["sample", str(digit_folder), *arguments, f"--output={output}"]) == 0
    options = {"condition": [1, 0], "seed": 0, "temperature": 0.5, "top_k": 9}
    wanted = zoo.load(str(digit_folder)).sample(2, length=60, **options)
    for number in range(2):
        np.testing.assert_array_equal(codes_of(tmp_path / f"two_{number}.wav"), wanted[number])
    assert "two_0.wav to" in capsys.readouterr().out and not output.exists()


def test_sample_draws_a_second_of_16_bits(sound_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["sample", str(sound_folder)]) == 0
    wanted = zoo.load(str(sound_folder)).sample(1, length=RATE, seed=0)
    waveform, rate = read_wav("samples.wav")
    np.testing.assert_array_equal(waveform, linear_decode(wanted[0]))
    assert rate == RATE


@pytest.mark.parametrize(
    ("flags", "known", "length"),
    [
        (["--seconds_known=0.05", "--seconds=0.1"], 50, 100),
        (["--seconds=0.3"], 250, 300),
        ([], 250, 250 + RATE),
    ],
)
def test_complete_goes_on_where_the_known_part_ends(
    sound_folder, recording, tmp_path, flags, known, length
):
    output = tmp_path / "out.wav"
    arguments = [f"--recording={recording}", *flags, "--seed=5", f"--output={output}"]
    assert main(["complete", str(sound_folder), *arguments]) == 0
    given, completed = read_wav(recording)[0], read_wav(output)[0]
    np.testing.assert_array_equal(completed[:known], given[:known])
    codes = np.int32(np.round((given[None, :known] + 1) * 32768))
    wanted = zoo.load(str(sound_folder)).complete(codes, length=length, seed=5)
    np.testing.assert_array_equal(completed, linear_decode(wanted[0]))


def test_complete_draws_different_continuations(digit_folder, recording, tmp_path, capsys):
    output = tmp_path / "out.wav"
    arguments = ["--seconds_known=0.05", "--seconds=0.11", "--digit=7", "--count=2"]
    name = str(digit_folder)
    assert (
        main(["complete", name, f"--recording={recording}", *arguments, f"--output={output}"]) == 0
    )
    first, second = (codes_of(tmp_path / f"out_{number}.wav") for number in range(2))
    np.testing.assert_array_equal(first[:50], second[:50])
    assert np.any(first != second)
    assert "0.05 s as given and 0.06 s drawn" in capsys.readouterr().out


@pytest.mark.parametrize("length", [60, 64])
def test_a_vocoder_is_told_what_it_was_told_in_training(
    vocoder_folder, recording, tmp_path, length
):
    output, name = tmp_path / "out.wav", str(vocoder_folder)
    arguments = [f"--features_of={recording}", "--condition=2", f"--seconds={length / RATE}"]
    assert main(["sample", name, *arguments, f"--output={output}"]) == 0
    model = zoo.load(name)
    codes = mu_law_encode(read_wav(recording)[0])[None]
    recipe = read_recipe(vocoder_folder)
    features = training_features(codes, recipe, model)
    condition = (np.int32([2]), features[:, : -(-length // model.hop)])
    wanted = model.sample(1, length=length, condition=condition, seed=0)
    np.testing.assert_array_equal(codes_of(output), wanted[0])
    assert np.ptp(features) > 0.3


def training_features(codes, recipe, model):
    from keras_ar.training import examples

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "kind_of_examples", lambda name: "audio")
        patch.setattr(examples, "sample_rate_of", lambda *given: RATE)
        labelled = recipe.__class__(**vars(recipe) | {"data": recipe.data.__class__("x", labels=1)})
        loaded = load_split(
            labelled, "test", model, load=lambda *_, **__: (codes, np.zeros(len(codes), "int32"))
        )
    return loaded[1][1]


def test_a_vocoder_makes_as_much_as_it_is_told(vocoder_folder, recording, tmp_path):
    output = tmp_path / "out.wav"
    arguments = [f"--features_of={recording}", "--condition=0", f"--output={output}"]
    assert main(["sample", str(vocoder_folder), *arguments]) == 0
    assert len(codes_of(output)) == RATE // 4
    more = [f"--recording={recording}", "--seconds_known=0.1"]
    assert main(["complete", str(vocoder_folder), *more, *arguments]) == 0
    completed, given = codes_of(output), mu_law_encode(read_wav(recording)[0])
    assert len(completed) == RATE // 4
    np.testing.assert_array_equal(completed[:100], given[:100])


def refused(capsys, code: int, *arguments) -> str:
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--digit is missing: one of 0, 1, 2"),
        (["--speaker=theo"], "--digit is missing"),
        (["--digit=ten"], "--digit is one of 0, 1"),
        (["--digit=10"], "got '10'"),
        (["--digit=7", "--speaker=jack"], "george, jackson, lucas"),
        (["--digit=7", "--condition=7,1"], "not both"),
        (["--prompt=To be"], "--prompt is for models of text; "),
        (["--length=7"], "is a model of sound"),
    ],
)
def test_a_label_or_flag_that_is_not_understood_is_refused_before_the_model_is_loaded(
    digit_folder, flags, message, monkeypatch, capsys
):
    monkeypatch.setattr(zoo, "load", lambda name: pytest.fail("The model was loaded."))
    assert message in refused(capsys, 2, "sample", digit_folder, *flags)


def test_labels_are_for_models_that_have_them(sound_folder, vocoder_folder, capsys):
    for folder, flag in ((sound_folder, "digit=7"), (vocoder_folder, "speaker=theo")):
        message = refused(capsys, 2, "sample", folder, f"--{flag}")
        assert "is not conditioned on a label" in message and flag.split("=")[0] in message


def test_recordings_that_do_not_fit_are_named(sound_folder, recording, tmp_path, capsys):
    where = ["complete", sound_folder, f"--output={tmp_path / 'out.wav'}"]
    missing = refused(capsys, 1, *where, "--recording=missing.wav")
    assert missing.endswith("No such file or directory: missing.wav")
    given = [*where, f"--recording={recording}"]
    assert "has only 0.25 s" in refused(capsys, 1, *given, "--seconds_known=0.3")
    assert "0.25 s are known already" in refused(capsys, 1, *given, "--seconds=0.25")
    assert "not even one sample" in refused(capsys, 1, *given, "--seconds_known=0")
    assert "not even one sample" in refused(capsys, 1, "sample", sound_folder, "--seconds=0")
    write_wav(recording, mu_law_decode(np.arange(9)), 2 * RATE)
    assert re.search(r"2000 samples a second.*1000", refused(capsys, 1, *given))
    assert not (tmp_path / "out.wav").exists()


def test_features_are_for_vocoders(sound_folder, vocoder_folder, recording, capsys):
    assert "say of which recording" in refused(capsys, 2, "sample", vocoder_folder, "--condition=0")
    given = f"--features_of={recording}"
    assert "leave --features_of out" in refused(capsys, 2, "sample", sound_folder, given)
    assert "has only 0.25 s" in refused(
        capsys, 1, "sample", vocoder_folder, given, "--seconds=1", "--condition=0"
    )
    assert "pair" in refused(capsys, 1, "sample", vocoder_folder, given)


@pytest.mark.parametrize(
    ("output", "message"), [("no/a.wav", "does not exist"), ("a.png", "does not end in .wav")]
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    sound_folder, output, message, recording, monkeypatch, capsys
):
    monkeypatch.setattr(zoo, "load", lambda name: pytest.fail("The model was loaded."))
    given = f"--recording={recording}"
    assert message in refused(capsys, 1, "sample", sound_folder, f"--output={output}")
    assert message in refused(capsys, 1, "complete", sound_folder, given, f"--output={output}")


def test_info_tells_of_the_sound(digit_folder, vocoder_folder, capsys):
    assert main(["info", str(digit_folder)]) == 0
    out = capsys.readouterr().out
    assert "sample_rate: 1,000 samples per second" in out and "levels: 256 codes" in out
    assert "receptive_field: 9 samples before the one that is predicted (0.009 seconds)" in out
    assert "digit: 0, 1, 2" in out and "speaker: george, jackson" in out
    assert main(["info", str(vocoder_folder), "--noreceptive_field"]) == 0
    out = capsys.readouterr().out
    assert "features: log-mel, one frame per 10 samples" in out
    assert "receptive_field" not in out and "classes:\n" not in out
