"""What a server refuses: assertions inside the graph, shared by all signatures that generate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_ar.models import AutoregressiveModel

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = [
    "after",
    "check_at_least_one",
    "check_conditions",
    "check_generation",
    "condition_specs",
]


def condition_specs(model: AutoregressiveModel) -> list[tf.TensorSpec]:
    """Return what a conditional model takes besides images or codes, named as in the model."""
    import tensorflow as tf

    return [
        tf.TensorSpec((None, *given.shape[1:]), given.dtype, given.name)
        for given in model.inputs[1:]
    ]


def check_at_least_one(name: str, number: tf.Tensor) -> tf.Operation:
    """Refuse counts and lengths below 1."""
    import tensorflow as tf

    return tf.debugging.assert_positive(number, f"{name} must be at least 1.")


def check_generation(
    model: AutoregressiveModel,
    count: tf.Tensor,
    temperature: tf.Tensor,
    conditions: Sequence[tf.Tensor],
    example: str = "image",
) -> list[tf.Operation]:
    """Refuse a temperature or conditions with which nothing could be generated.

    Args:
        model: The model.
        count: Scalar: number of examples.
        temperature: Of any shape.
        conditions: One tensor for each of ``condition_specs``.
        example: What the messages call an example.
    """
    import tensorflow as tf

    return [
        tf.debugging.assert_positive(temperature, "temperature must be positive."),
        *check_conditions(model, count, conditions, example),
    ]


def check_conditions(
    model: AutoregressiveModel, count: tf.Tensor, conditions: Sequence[tf.Tensor], example: str
) -> list[tf.Operation]:
    """Refuse illegal class ids, and conditions without one row per example."""
    import tensorflow as tf

    checks = []
    if model.num_classes:
        class_ids = conditions[0]
        is_legal = (class_ids >= 0) & (class_ids < tf.constant(model.num_classes))
        message = "condition must hold class ids."
        checks.append(tf.debugging.Assert(tf.reduce_all(is_legal), [message]))
    for spec, given in zip(condition_specs(model), conditions, strict=True):
        message = f"{spec.name} needs a row per {example}."
        checks.append(tf.debugging.assert_equal(tf.shape(given)[0], count, message))
    return checks


def after(checks: Sequence[tf.Operation], tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Return the tensors, which nothing can read before the checks have passed.

    Otherwise another error could come first.
    """
    import tensorflow as tf

    with tf.control_dependencies([check for check in checks if check is not None]):
        return [tf.identity(tensor) for tensor in tensors]
