import hashlib
import math

import keras
import numpy as np
import pytest

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP
from keras_ar.serving import export

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)

_SMALL = {"filters": 4, "num_blocks": 1}
BUILDERS = {
    "binary": lambda: PixelCNN((5, 4, 1), levels=2, head_filters=4, **_SMALL),
    "classes": lambda: GatedPixelCNN((4, 4, 1), levels=4, head_filters=4, num_classes=3, **_SMALL),
    "mixture": lambda: PixelCNNPP((4, 4, 3), num_mixtures=2, **_SMALL),
    "embedding": lambda: GatedPixelCNN(
        (3, 4, 1), levels=2, head_filters=4, condition_shape=(2,), **_SMALL
    ),
}


class Exported:
    """A model, its folder and its reloaded SavedModel, which must outlive its signatures."""

    def __init__(self, name: str, folder):
        keras.utils.set_random_seed(3)
        self.model = BUILDERS[name]()
        for weight in self.model.trainable_variables:  # Zero biases would leave ties to the noise.
            weight.assign_add(keras.random.normal(weight.shape, stddev=0.3))
        self.folder = folder
        self.path = export(self.model, folder)
        self.reloaded = tf.saved_model.load(str(self.path))

    def condition(self, count: int) -> dict[str, np.ndarray]:
        if not self.model.is_conditional:
            return {}
        if self.model.num_classes:
            return {"condition": np.arange(count, dtype="int32") % self.model.num_classes}
        return {"condition": np.linspace(-1.0, 1.0, 2 * count, dtype="float32").reshape(-1, 2)}

    def images(self, count: int) -> np.ndarray:
        shape = (count, *self.model.image_shape)
        levels = self.model.likelihood.levels
        return np.random.default_rng(count).integers(0, levels, shape).astype("uint8")

    def call(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {k: v.numpy() for k, v in self.reloaded.signatures[signature](**tensors).items()}

    def sample(self, count=3, seed=(0, 0), temperature=1.0, **condition) -> np.ndarray:
        inputs = {"count": np.int32(count), "seed": np.int32(seed), **self.condition(count)}
        inputs |= {"temperature": np.float32(temperature), **condition}
        return self.call("sample", **inputs)["images"]


@pytest.fixture(scope="module", params=BUILDERS)
def exported(request, tmp_path_factory) -> Exported:
    return Exported(request.param, tmp_path_factory.mktemp(request.param) / "base")


@pytest.fixture(scope="module")
def binary(tmp_path_factory) -> Exported:
    return Exported("binary", tmp_path_factory.mktemp("alone"))


def digests(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_first_version_is_1_and_its_signatures_are_named(exported):
    assert exported.path == exported.folder / "1"
    assert [path.name for path in exported.folder.iterdir()] == ["1"]
    names = {"serving_default", "log_prob", "bits_per_dim", "sample", "complete"}
    assert set(exported.reloaded.signatures) == names
    condition = {"condition"} if exported.model.is_conditional else set()
    for name, inputs, output in (
        ("serving_default", {"images"}, "log_prob"),
        ("log_prob", {"images"}, "log_prob"),
        ("bits_per_dim", {"images"}, "bits_per_dim"),
        ("sample", {"count", "seed", "temperature"}, "images"),
        ("complete", {"images", "known", "seed", "temperature"}, "images"),
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
    from keras_ar.serving import _noise

    noise = _noise(exported.model, 3, (0, 0)).numpy()
    blank = np.zeros((3, *exported.model.image_shape), "int32")
    conditions = [tf.constant(x) for x in exported.condition(3).values()]
    wanted = exported.model.sampler.generate(
        blank,
        np.zeros(blank.shape[:3], bool),
        noise,
        conditions,
        tf.constant(1.0),
        (),
        verbose=False,
    )
    np.testing.assert_array_equal(exported.sample(), wanted)


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
    assert export(binary.model, str(binary.folder)) == binary.folder / "2"
    assert digests(binary.folder / "1") == before
    (binary.folder / "41").mkdir()
    (binary.folder / "notes").mkdir()
    assert export(binary.model, binary.folder) == binary.folder / "42"
    assert {path.name for path in binary.folder.iterdir()} == {"1", "2", "41", "42", "notes"}


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
