import copy
import functools
import hashlib
import json
import math
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from exported import BUILDERS, Exported
from marks import marked

from keras_ar.models import PixelCNN
from keras_ar.serving import export, signature_names

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)


@pytest.fixture(scope="module")
def export_of(tmp_path_factory):
    return functools.cache(lambda name: Exported(name, tmp_path_factory.mktemp(name) / "base"))


# Deep models take up to half a minute to export, small ones seconds.
@pytest.fixture(params=marked(BUILDERS, slow={"mixture", "attention", "embedding"}))
def exported(request, export_of) -> Exported:
    return export_of(request.param)


@pytest.fixture(scope="module")
def binary(export_of, tmp_path_factory) -> Exported:
    """An export whose folder may be changed."""
    own = copy.copy(export_of("binary"))
    own.folder = tmp_path_factory.mktemp("own") / "base"
    shutil.copytree(export_of("binary").folder, own.folder)
    own.path = own.folder / "1"
    return own


def digests(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_first_version_is_1_and_its_signatures_are_named(exported):
    assert exported.path == exported.folder / "1"
    assert [path.name for path in exported.folder.iterdir()] == ["1"]
    assert set(exported.reloaded.signatures) == {
        "serving_default",
        *signature_names(exported.model),
    }
    condition = {"condition"} if exported.model.is_conditional else set()
    for name, inputs, output in (
        ("serving_default", {"images"}, "log_prob"),
        ("log_prob", {"images"}, "log_prob"),
        ("bits_per_dim", {"images"}, "bits_per_dim"),
        ("sample", {"count", "seed", "temperature"}, "images"),
        ("complete", {"images", "known", "seed", "temperature"}, "images"),
        ("log_prob_png", {"png_bytes"}, "log_prob"),
        ("sample_png", {"count", "seed", "temperature"}, "png_bytes"),
        ("complete_png", {"png_bytes", "known", "seed", "temperature"}, "png_bytes"),
    ):
        signature = exported.reloaded.signatures[name]
        assert set(signature.structured_input_signature[1]) == inputs | condition
        assert set(signature.structured_outputs) == {output}


@pytest.mark.parametrize("count", [1, 5])
def test_the_likelihood_is_that_of_the_keras_model_for_every_batch_size(exported, count):
    images, condition = exported.images(count), exported.condition(count)
    wanted = exported.model.log_prob(images, **condition).numpy()
    for signature in ("log_prob", "serving_default"):
        got = exported.call(signature, images=images, **condition)["log_prob"]
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    bits = exported.call("bits_per_dim", images=images, **condition)["bits_per_dim"]
    expected = -wanted / (math.log(2.0) * exported.model.num_dimensions)
    np.testing.assert_allclose(bits, expected, rtol=1e-5, atol=1e-5)


def test_samples_are_decided_by_the_seed_alone(exported):
    first = exported.sample()
    assert first.dtype == np.uint8
    assert first.shape == (3, *exported.model.image_shape)
    np.testing.assert_array_equal(first, exported.sample())
    assert np.any(first != exported.sample(seed=(0, 1)))
    assert np.any(first != exported.sample(seed=(1, 0)))
    assert np.any(first[0] != first[1])


def test_a_completion_keeps_known_pixels_and_goes_on_as_a_sample_would(exported):
    sampled = exported.sample()
    known = np.zeros(sampled.shape[:3], bool)
    known[:, :2] = known[0, 2, 1:] = True
    # Zeros where nothing is known: what stands there must not matter.
    given = np.where(known[..., None], sampled, 0).astype("uint8")
    inputs = {"images": given, "known": known, "seed": np.int32((0, 0))}
    inputs |= {"temperature": np.float32(1.0), **exported.condition(3)}
    np.testing.assert_array_equal(exported.call("complete", **inputs)["images"], sampled)
    other = exported.images(3)
    completed = exported.call("complete", **inputs | {"images": other})["images"]
    np.testing.assert_array_equal(completed[known], other[known])
    assert np.any(completed != sampled)


def test_the_graph_generates_what_the_keras_model_would_from_the_same_noise(exported):
    np.testing.assert_array_equal(exported.sample(), exported.keras_sample(3))


def test_samples_are_legal_images(exported):
    nats = exported.model.log_prob(exported.sample(6), **exported.condition(6))
    assert np.all(np.isfinite(nats))


def test_temperature_sharpens_and_flattens_the_samples(exported):
    def agreement(temperature: float) -> float:
        """How often two seeds give the same value."""
        one, other = (exported.sample(8, (seed, 0), temperature) for seed in (5, 6))
        return float(np.mean(one == other))

    assert agreement(1e-5) > 0.9
    assert agreement(1e-5) > agreement(1.0) > 0.0


def test_the_next_export_gets_the_next_number_and_leaves_the_others_alone(binary):
    before = digests(binary.folder / "1")
    (binary.folder / "41").mkdir()
    (binary.folder / "notes").mkdir()
    assert export(binary.model, str(binary.folder)) == binary.folder / "42"
    assert digests(binary.folder / "1") == before
    assert {path.name for path in binary.folder.iterdir()} == {"1", "41", "42", "notes"}


def test_an_export_is_readable_by_the_server_s_user(binary):
    plain = binary.folder.parent / "plain"
    plain.mkdir()
    assert binary.path.stat().st_mode == plain.stat().st_mode


def test_illegal_values_spoil_only_their_own_image(exported):
    images, condition = exported.images(2), exported.condition(2)
    if exported.model.likelihood.levels < 256:
        images[0, 0, 0, 0] = 255
    elif not exported.model.num_classes:
        pytest.skip("Every uint8 is legal here.")
    got = exported.call("log_prob", images=images, **condition)["log_prob"]
    assert np.isnan(got[0]) and np.isfinite(got[1])


def test_illegal_arguments_of_sample_are_refused(exported):
    with pytest.raises(tf.errors.InvalidArgumentError, match="count must be"):
        exported.sample(0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="temperature must be"):
        exported.sample(temperature=0.0)
    if exported.model.is_conditional:
        with pytest.raises(tf.errors.InvalidArgumentError, match="condition needs"):
            exported.sample(3, **exported.condition(2))
    if exported.model.num_classes:
        with pytest.raises(tf.errors.InvalidArgumentError, match="class ids"):
            exported.sample(1, condition=np.int32([3]))
        images = exported.images(2)
        got = exported.call("log_prob", images=images, condition=np.int32([3, 0]))["log_prob"]
        assert np.isnan(got[0]) and np.isfinite(got[1])


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(binary, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(keras.export, "ExportArchive", None)
    with pytest.raises(OSError, match="cannot be written"):
        export(binary.model, tmp_path / "file" / "base")


def test_a_failed_export_leaves_nothing_behind(binary, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        export(binary.model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_backend_is_told_to_use_tensorflow(binary, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow"):
        export(binary.model, tmp_path / "base")
    assert not (tmp_path / "base").exists()


@pytest.mark.parametrize(("channels", "levels"), [(2, 2), (4, 256), (1, 257)])
def test_images_that_no_png_can_hold_have_no_signatures_on_files(channels, levels):
    model = PixelCNN((2, 2, channels), levels=levels, filters=4, num_blocks=1, head_filters=4)
    assert signature_names(model) == ("log_prob", "bits_per_dim", "sample", "complete")


def test_the_requests_on_the_page_are_those_of_their_signatures(binary):
    page = pathlib.Path(__file__).parents[2] / "docs" / "serving.md"
    text = page.read_text().replace("'\"$(base64 -w0 digit.png)\"'", "digit")
    bodies = [json.loads(body) for body in re.findall(r"-d '(.*)'", text)]
    assert {body["signature_name"] for body in bodies} == {"sample", "sample_png", "log_prob_png"}
    for body in bodies:
        signature = binary.reloaded.signatures[body["signature_name"]]
        wanted = signature.structured_input_signature[1]
        assert set(body["inputs"]) == set(wanted)
        for name, value in body["inputs"].items():
            if name != "png_bytes":
                assert tf.convert_to_tensor(value, wanted[name].dtype).shape == wanted[name].shape
