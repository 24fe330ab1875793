"""A server that speaks TensorFlow Serving's gRPC protocol and answers from a loaded SavedModel."""

import concurrent.futures
import contextlib
from collections.abc import Iterator

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answer ``Predict`` from the signatures of one model, as the server does."""

    def __init__(self, name: str, loaded):
        self._name = name
        self._loaded = loaded

    def Predict(self, request, context):  # noqa: N802 (the protocol's name)
        signature_name = request.model_spec.signature_name or "serving_default"
        if request.model_spec.name != self._name:
            context.abort(grpc.StatusCode.NOT_FOUND, f"No model {request.model_spec.name}.")
        if signature_name not in self._loaded.signatures:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"No signature {signature_name}.")
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        signature = self._loaded.signatures[signature_name]
        try:
            outputs = signature(**{key: tf.constant(value) for key, value in inputs.items()})
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._name
        response.model_spec.signature_name = signature_name
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy(), value.dtype))
        return response


@contextlib.contextmanager
def prediction_stub(name: str, loaded) -> Iterator:
    """Serve on a free port of this machine, and give a client connected to it."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
    service = PredictionService(name, loaded)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield prediction_service_pb2_grpc.PredictionServiceStub(channel)
    finally:
        server.stop(grace=None).wait()
