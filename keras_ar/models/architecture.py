"""Let ``keras.models.clone_model`` return a model of the same class.

Keras clones a functional model by copying its graph and calling ``cls(inputs, outputs,
name=...)`` on classes that can take it, and a bare ``Functional`` otherwise. A model of ours is
built from hyper-parameters instead, so the last node of its graph carries them: whoever holds
the outputs can build the rest of the model around them.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras

__all__ = ["ArchitectureRecord", "accept_cloned_graph"]


@keras.saving.register_keras_serializable("keras_ar")
class ArchitectureRecord(keras.layers.Layer):
    """Pass the parameters through and remember how their network was specified.

    Args:
        architecture: The arguments of the model's class.

    Shapes:
        Input: Any.
        Output: The same.
    """

    is_pointwise = True

    def __init__(self, architecture: Mapping[str, Any], **kwargs):
        super().__init__(**kwargs)
        self.architecture = dict(architecture)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"architecture": dict(self.architecture)}


def accept_cloned_graph(init: Callable) -> Callable:
    """Wrap ``__init__`` so that it also accepts ``(inputs, outputs, name=...)`` from Keras."""

    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        first = keras.tree.flatten(args[1])[0] if len(args) == 2 else None
        if isinstance(first, keras.KerasTensor):
            record, *_ = first._keras_history
            specified = type(self)(**record.architecture)
            self.init_from_graph(*args, specified, **kwargs)
        else:
            init(self, *args, **kwargs)

    # Keras reads the arguments of `__init__` in two ways, of which one looks behind a wrapper and
    # the other does not, and wants them to agree. A class says elsewhere what it takes.
    del wrapper.__wrapped__
    return wrapper
