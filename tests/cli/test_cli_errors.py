import os
import pathlib

import keras
import numpy as np
import PIL.Image
import pytest

from keras_ar import zoo
from keras_ar.cli import main


def refused(capsys, code: int, *arguments: str) -> str:
    """Run a command that must fail with this exit code; return its one sentence."""
    assert main(list(arguments)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == code, captured.err  # Misunderstood commands repeat the usage.
    assert lines[0].startswith(f"keras-ar {arguments[0]}: ")
    assert "Errno" not in captured.err
    if code == 2:
        assert lines[1].startswith(f"usage: keras-ar {arguments[0]}")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample"], "expected NAME; got nothing"),
        (["sample", "a", "b"], "expected NAME; got a b"),
        (["export", "a"], "expected NAME and FOLDER; got a"),
        (["list", "a"], "expected no argument"),
        (["list", "--count=3"], "count"),
        (["sample", "a", "--cuont=3"], "Did you mean: count"),
        (["sample", "a", "--count=three"], "count=three"),
        (["sample", "a", "--count=0"], "count=0"),
        (["sample", "a", "--seed=-1"], "seed=-1"),
        (["sample", "a", "--condition=cat"], "class ids such as 7"),
        (["complete", "a"], "--images (one or more) or --split"),
        (["complete", "a", "--images=a.png", "--split=test"], "either"),
        (["complete", "a", "--split=test", "--mask=m.png", "--rows_known=1"], "not both"),
        (["train"], "--recipe and --work_dir are required"),
        (["train", "--recipe=a"], "--recipe and --work_dir are required"),
        (["train", "--recipe=a", "--work_dir=b", "--minutes=-1"], "minutes"),
    ],
)
def test_what_is_not_understood_is_answered_with_the_usage(arguments, message, capsys):
    assert message in refused(capsys, 2, *arguments)


@pytest.mark.parametrize("command", ["info", "sample", "evaluate"])
def test_an_unknown_model_is_one_sentence(command, capsys):
    assert "no_such_model" in refused(capsys, 1, command, "no_such_model")


def test_a_missing_recipe_is_one_sentence(binary_folder, tmp_path, capsys):
    arguments = ["--recipe", str(tmp_path / "none"), "--work_dir", str(tmp_path / "work")]
    assert "There is no recipe at" in refused(capsys, 1, "train", *arguments)
    assert "There is no recipe at" in refused(capsys, 1, "evaluate", str(binary_folder))


def test_a_condition_is_asked_for_and_checked(conditional_folder, binary_folder, capsys):
    name = str(conditional_folder)
    assert "class ids 0..2" in refused(capsys, 1, "sample", name)
    assert "0..2" in refused(capsys, 1, "sample", name, "--condition=3")
    assert "16 images" in refused(capsys, 1, "sample", name, "--condition=0,1")
    assert "unconditional" in refused(capsys, 1, "sample", str(binary_folder), "--condition=0")
    missing = refused(capsys, 1, "sample", name, "--condition=missing.npy")
    assert "No such file or directory: missing.npy" in missing


def test_a_truncation_that_the_model_cannot_do_is_refused(binary_folder, capsys):
    assert "top_k" in refused(capsys, 1, "sample", str(binary_folder), "--top_k=2")


def test_a_temperature_that_is_not_positive_is_refused(binary_folder, capsys):
    assert "temperature" in refused(capsys, 1, "sample", str(binary_folder), "--temperature=0")


@pytest.mark.parametrize("command", ["sample", "complete", "info"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    binary_folder, command, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(zoo, "load", lambda name: pytest.fail("The model was loaded."))
    flag = "plot" if command == "info" else "output"
    more = ["--split=test"] if command == "complete" else []
    for path, message in ((tmp_path / "no" / "a.png", "does not exist"), ("a.txt", "use .png")):
        arguments = [str(binary_folder), f"--{flag}={path}", *more]
        assert message in refused(capsys, 1, command, *arguments)


def test_pictures_that_do_not_fit_are_named(binary_folder, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    arguments = ["complete", str(binary_folder), f"--images={picture}", f"--output={picture}"]
    assert "no image file" in refused(capsys, 1, *arguments)
    PIL.Image.fromarray(np.zeros((4, 4), "uint8")).save(picture)
    assert "5 wide and 6 high" in refused(capsys, 1, *arguments)
    PIL.Image.fromarray(np.zeros((6, 5), "uint8")).save(picture)
    assert "only 6 rows" in refused(capsys, 1, *arguments, "--rows_known=7")


def test_a_pixel_outside_the_image_is_refused(binary_folder, capsys):
    assert main(["info", str(binary_folder), "--row=6"]) == 1
    assert "outside the 6x5 image" in capsys.readouterr().err


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it.")
def test_an_export_into_a_file_is_refused(binary_folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    message = refused(capsys, 1, "export", str(binary_folder), str(tmp_path / "file" / "base"))
    assert "cannot be written" in message


def test_debug_shows_where_an_error_comes_from(capsys):
    with pytest.raises(ValueError, match="no_such_model"):
        main(["sample", "no_such_model", "--debug"])


def test_interrupting_is_not_a_traceback(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "list", interrupt)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "keras-ar list: interrupted.\n"


def test_a_reader_who_has_enough_is_no_error(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert main(["list"]) == 141
    assert capsys.readouterr().err == ""


def test_tensorflow_is_quiet_unless_the_user_wants_to_hear_it(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    main(["--version"])
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    main(["--version"])
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_no_command_imports_keras_before_it_runs():
    import keras_ar.cli

    for path in pathlib.Path(keras_ar.cli.__file__).parent.glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                package = line.split()[1]
                assert not package.startswith(("keras.", "tensorflow", "numpy", "PIL")), path
                assert package != "keras"
                if package.startswith("keras_ar"):
                    assert package.startswith(("keras_ar.cli", "keras_ar.version")), path
