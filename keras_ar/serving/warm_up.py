"""Requests that a server answers while it loads a model, before anyone waits for it.

The server reads them from a file of ``PredictionLog`` messages. Of these only strings and messages
inside messages are needed, and both are written as a number, a length and a content; so no package
is needed that defines them.
"""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

import tensorflow as tf

from keras_ar.models import AutoregressiveModel
from keras_ar.serving.png import encode_png

__all__ = ["write_warm_up"]

_FILE = "assets.extra/tf_serving_warmup_requests"

# Field numbers of tensorflow_serving/apis: prediction_log.proto, predict.proto, model.proto.
_PREDICTION_LOG_PREDICT_LOG = 6
_PREDICT_LOG_REQUEST = 1
_PREDICT_REQUEST_MODEL_SPEC = 1
_PREDICT_REQUEST_INPUTS = 2
_MODEL_SPEC_SIGNATURE_NAME = 3
_MAP_KEY, _MAP_VALUE = 1, 2


def write_warm_up(
    saved_model: pathlib.Path,
    signatures: Mapping[str, Sequence[tf.TensorSpec]],
    model: AutoregressiveModel,
) -> pathlib.Path:
    """Write one request of one image or code per signature into the folder of a SavedModel.

    Args:
        saved_model: The folder; ``assets.extra/tf_serving_warmup_requests`` is written in it.
        signatures: What each signature takes, by name.
        model: The model, which says what a legal request is.

    Returns:
        The file: TFRecords of ``PredictionLog`` messages, in the order of the signatures.

    Raises:
        OSError: If it cannot be written.

    Source:
        TensorFlow Serving, "SavedModel Warmup".
    """
    path = saved_model / _FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, specs in signatures.items():
            inputs = {spec.name: _legal_value(spec, model) for spec in specs}
            writer.write(_prediction_log(name, inputs))
    return path


def _legal_value(spec: tf.TensorSpec, model: AutoregressiveModel) -> tf.Tensor:
    """Return a smallest legal input: one black image or code, nothing known, of class 0."""
    shape = [size or 1 for size in spec.shape]
    if spec.name in ("count", "length", "temperature"):
        return tf.ones(shape, spec.dtype)
    if spec.name == "png_bytes":
        return encode_png(tf.zeros((1, *model.image_shape), "int32"), model.likelihood.levels)
    return tf.zeros(shape, spec.dtype)


def _prediction_log(signature: str, inputs: Mapping[str, tf.Tensor]) -> bytes:
    request = _field(
        _PREDICT_REQUEST_MODEL_SPEC, _field(_MODEL_SPEC_SIGNATURE_NAME, signature.encode())
    )
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value.numpy(), value.dtype).SerializeToString()
        entry = _field(_MAP_KEY, name.encode()) + _field(_MAP_VALUE, tensor)
        request += _field(_PREDICT_REQUEST_INPUTS, entry)
    return _field(_PREDICTION_LOG_PREDICT_LOG, _field(_PREDICT_LOG_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """Encode a field with a length: a string, or a message inside a message."""
    has_length = 2
    return bytes([*_varint(number << 3 | has_length), *_varint(len(content)), *content])


def _varint(number: int) -> Iterable[int]:
    """Encode a number in groups of seven bits, the lowest first; the top bit says: more follow."""
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number
