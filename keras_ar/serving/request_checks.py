"""What a server refuses: assertions inside the graph, shared by the signatures."""

from collections.abc import Sequence

import tensorflow as tf

from keras_ar.models import AutoregressiveModel
from keras_ar.models.sequence_model import SequenceModel

__all__ = [
    "after",
    "check_at_least_one",
    "check_codes",
    "check_conditions",
    "check_frames",
    "check_rows",
    "check_temperature",
    "condition_specs",
]


def condition_specs(model: AutoregressiveModel) -> list[tf.TensorSpec]:
    """Return what a conditional model takes besides images or codes, named as in the model."""
    return [
        tf.TensorSpec((None, *given.shape[1:]), given.dtype, given.name)
        for given in model.inputs[1:]
    ]


def after(checks: Sequence[tf.Operation], tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Return the tensors, which nothing can read before the checks have passed.

    Otherwise another error could come first.
    """
    with tf.control_dependencies(checks):
        return [tf.identity(tensor) for tensor in tensors]


def check_at_least_one(name: str, number: tf.Tensor) -> tf.Operation:
    """Refuse counts and lengths below 1."""
    return tf.debugging.assert_positive(number, f"{name} must be at least 1.")


def check_temperature(temperature: tf.Tensor) -> tf.Operation:
    """Refuse a temperature of zero or below."""
    return tf.debugging.assert_positive(temperature, "temperature must be positive.")


def check_rows(name: str, given: tf.Tensor, count: tf.Tensor, example: str) -> tf.Operation:
    """Refuse what has not one row per example."""
    message = f"{name} needs a row per {example}."
    return tf.debugging.assert_equal(tf.shape(given)[0], count, message)


def check_conditions(
    model: AutoregressiveModel,
    conditions: Sequence[tf.Tensor],
    count: tf.Tensor,
    example: str = "image",
) -> list[tf.Operation]:
    """Refuse illegal class ids, and conditions without one row per example."""
    checks = []
    if model.num_classes:
        class_ids = conditions[0]
        is_legal = (class_ids >= 0) & (class_ids < tf.constant(model.num_classes))
        message = "condition must hold class ids."
        checks.append(tf.debugging.Assert(tf.reduce_all(is_legal), [message]))
    for spec, given in zip(condition_specs(model), conditions, strict=True):
        checks.append(check_rows(spec.name, given, count, example))
    return checks


def check_codes(model: SequenceModel, codes: tf.Tensor) -> list[tf.Operation]:
    """Refuse illegal codes, and sequences without any; they cannot have an end of their own."""
    is_legal = tf.reduce_all((codes >= 0) & (codes < model.vocabulary_size))
    message = f"codes must lie in 0..{model.vocabulary_size - 1}."
    return [
        check_at_least_one("The number of codes", tf.shape(codes)[1]),
        tf.debugging.Assert(is_legal, [message]),
    ]


def check_frames(
    model: SequenceModel, conditions: Sequence[tf.Tensor], length: tf.Tensor
) -> list[tf.Operation]:
    """Refuse a local condition of another number of frames than ``length`` codes want."""
    if model.hop is None:
        return []
    wanted = (length + model.hop - 1) // model.hop
    message = f"features needs one frame per {model.hop} codes, and one for the rest."
    return [tf.debugging.assert_equal(tf.shape(conditions[-1])[1], wanted, message)]
