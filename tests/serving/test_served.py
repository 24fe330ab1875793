"""An export as a server meets it: without Python, over gRPC, and warmed up."""

import io
import sys

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from exported import Exported
from exported_sequences import ExportedSequences
from without_python import run_without_python

from keras_ar.image_grid import to_eight_bits

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)

COUNT = 3


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Exported:
    return Exported("classes", tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def predict(served):
    """Send a request over gRPC, and return the outputs."""
    from prediction_server import prediction_stub
    from tensorflow_serving.apis import predict_pb2

    with prediction_stub("classes", served.reloaded) as stub:

        def send(signature: str, **inputs) -> dict[str, np.ndarray]:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "classes"
            request.model_spec.signature_name = signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            response = stub.Predict(request, timeout=60.0)
            return {key: tf.make_ndarray(value) for key, value in response.outputs.items()}

        yield send


def chance(seed=(0, 0)) -> dict[str, np.ndarray]:
    return {"seed": np.int32(seed), "temperature": np.float32(1.0)}


def shown(file: bytes) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(file)) as image:
        assert image.format == "PNG"
        return np.asarray(image)[..., None]


@pytest.mark.skipif(sys.platform != "linux", reason="The library is named otherwise.")
def test_a_process_without_tensorflow_s_python_gets_the_numbers_of_the_keras_model(
    served, tmp_path
):
    condition, images = served.condition(COUNT), served.images(COUNT)
    generation = {"count": np.int32(COUNT), **chance(), **condition}
    calls = {
        "log_prob": {"images": images, **condition},
        "sample": generation,
        "sample_png": generation,
    }
    imported = run_without_python(served.path, calls, tmp_path)
    assert imported.isdisjoint({"tensorflow", "keras", "keras_ar"}) and "numpy" in imported
    nats = np.load(tmp_path / "log_prob.npy")
    wanted = served.model.log_prob(images, **condition).numpy()
    np.testing.assert_allclose(nats, wanted, rtol=1e-5, atol=1e-5)
    sampled = np.load(tmp_path / "sample.npy")
    np.testing.assert_array_equal(sampled, served.keras_sample(COUNT))
    file = (tmp_path / "sample_png.bin").read_bytes()
    np.testing.assert_array_equal(shown(file), to_eight_bits(sampled[0], levels=4))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="The library is named otherwise.")
@pytest.mark.parametrize("name", ["classes", "features", "recurrent"])
def test_sequences_are_streamed_without_tensorflow_s_python(name, tmp_path):
    served = ExportedSequences(name, tmp_path / "base")
    codes, conditions = served.codes(COUNT, 16), served.conditions(COUNT, 16)
    rows = {
        "length": np.full(COUNT, 16, "int32"),
        "seed": np.arange(2 * COUNT, dtype="int32").reshape(COUNT, 2),
        "temperature": np.ones(COUNT, "float32"),
    }
    state = served.start(COUNT)
    calls = {
        "log_prob": {"codes": codes, **conditions},
        "sample": {"count": np.int32(COUNT), "length": np.int32(16), **chance(), **conditions},
        "stream": {"state": state, **rows, **conditions},
        "absorb": {"state": state, "codes": codes, **conditions},
    }
    imported = run_without_python(served.path, calls, tmp_path)
    assert imported.isdisjoint({"tensorflow", "keras", "keras_ar"})
    for signature, inputs in calls.items():
        wanted = served.call(signature, **inputs)
        found = np.load(tmp_path / f"{signature}.npy")
        np.testing.assert_allclose(found, wanted[min(wanted)], rtol=1e-5, atol=1e-5)
    sampled = np.load(tmp_path / "sample.npy")
    np.testing.assert_array_equal(sampled, served.keras_sample(COUNT, 16))


def test_requests_over_grpc_get_the_answers_of_the_keras_model(served, predict):
    condition, images = served.condition(COUNT), served.images(COUNT)
    nats = predict("log_prob", images=images, **condition)["log_prob"]
    wanted = served.model.log_prob(images, **condition).numpy()
    np.testing.assert_allclose(nats, wanted, rtol=1e-5, atol=1e-5)
    default = predict("", images=images, **condition)["log_prob"]
    np.testing.assert_array_equal(default, nats)
    sampled = predict("sample", count=np.int32(COUNT), **chance((0, 5)), **condition)["images"]
    assert sampled.dtype == np.uint8
    np.testing.assert_array_equal(sampled, served.keras_sample(COUNT, (0, 5)))


def test_files_go_in_and_out_over_grpc_as_arrays_do(served, predict):
    condition = served.condition(COUNT)
    generation = {"count": np.int32(COUNT), **chance(), **condition}
    images = predict("sample", **generation)["images"]
    files = predict("sample_png", **generation)["png_bytes"]
    for file, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(shown(file), to_eight_bits(image, levels=4))
    nats = predict("log_prob_png", png_bytes=files, **condition)["log_prob"]
    wanted = predict("log_prob", images=images, **condition)["log_prob"]
    np.testing.assert_array_equal(nats, wanted)
    known = np.zeros(images.shape[:3], bool)
    known[:, 0] = known[:, 1, 2] = True
    inputs = {"known": known, **chance((0, 9)), **condition}
    completed = predict("complete", images=images, **inputs)["images"]
    assert np.any(completed != images)
    for file, image in zip(
        predict("complete_png", png_bytes=files, **inputs)["png_bytes"], completed, strict=True
    ):
        np.testing.assert_array_equal(shown(file), to_eight_bits(image, levels=4))


def test_a_request_that_does_not_fit_gets_an_error_that_says_why(served, predict):
    import grpc

    file = tf.io.encode_png(np.zeros((5, 3, 1), "uint8")).numpy()
    for wrong in (file, b"no image"):
        with pytest.raises(grpc.RpcError) as refused:
            predict("log_prob_png", png_bytes=[wrong], **served.condition(1))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "png_bytes must hold PNG images 5 wide and 3 high" in refused.value.details()


def test_every_signature_has_one_warm_up_request_and_answers_it(served):
    from tensorflow_serving.apis import prediction_log_pb2

    path = served.path / "assets.extra" / "tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert {log.WhichOneof("log_type") for log in logs} == {"predict_log"}
    requests = [log.predict_log.request for log in logs]
    names = [request.model_spec.signature_name for request in requests]
    assert sorted(names) == sorted(served.reloaded.signatures)
    for name, request in zip(names, requests, strict=True):
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        (output,) = served.call(name, **inputs).values()
        assert len(output) == 1
        if output.dtype == np.float32:
            assert np.all(np.isfinite(output))
