"""What a server answers: the functions of a model, by name."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_ar.models import AutoregressiveModel
from keras_ar.serving.image_signatures import ImageEndpoints
from keras_ar.serving.sequence_signatures import SequenceEndpoints

__all__ = ["endpoints"]


def endpoints(
    model: AutoregressiveModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name."""
    kind = SequenceEndpoints if model.is_sequential else ImageEndpoints
    return kind(model).by_name()
