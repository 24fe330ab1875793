"""The input of every model of sequences: each place sees the code before it."""

import keras
from keras import ops

__all__ = ["PreviousCode"]

_ENCODINGS = ("one_hot", "scaled")


@keras.saving.register_keras_serializable("keras_ar")
class PreviousCode(keras.layers.Layer):
    """Encode codes, and move them one step into the future.

    This is the one place where a network of sequences looks strictly back: the layers behind it
    may read their present. The first step, which has nothing before it, and what lies behind the
    end of a padded sequence (code -1) are zeros.

    Args:
        vocabulary_size: Number of codes.
        encoding: ``"one_hot"``, or ``"scaled"`` to the interval [-1, 1].

    Shapes:
        Input: ``(batch, time)``, integers ``0..vocabulary_size-1`` (-1 behind the end).
        Output: ``(batch, time, vocabulary_size)``, or ``(batch, time, 1)`` if scaled.

    Raises:
        ValueError: If the encoding is unknown, or there are fewer than 2 codes.
    """

    # The engine gives such a layer the code that was drawn last, see keras_ar.sampling.
    reads_previous = True

    def __init__(self, vocabulary_size: int, encoding: str = "one_hot", **kwargs):
        super().__init__(**kwargs)
        if vocabulary_size < 2:
            raise ValueError(f"vocabulary_size must be at least 2; got {vocabulary_size}.")
        if encoding not in _ENCODINGS:
            raise ValueError(f"encoding must be one of {_ENCODINGS}; got {encoding!r}.")
        self.vocabulary_size = vocabulary_size
        self.encoding = encoding

    def call(self, inputs):
        return self.encode(ops.pad(inputs[:, :-1], [(0, 0), (1, 0)], constant_values=-1))

    def encode(self, codes):
        """Encode codes where they are: ``(batch, time)`` to ``(batch, time, channels)``."""
        codes = ops.cast(codes, "int32")
        if self.encoding == "one_hot":
            is_code = ops.equal(codes[..., None], ops.arange(self.vocabulary_size))
            return ops.cast(is_code, self.compute_dtype)
        scaled = ops.cast(codes, "float32") * (2.0 / (self.vocabulary_size - 1)) - 1.0
        return ops.cast(ops.where(codes < 0, 0.0, scaled), self.compute_dtype)[..., None]

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.vocabulary_size if self.encoding == "one_hot" else 1)

    def get_config(self):
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "encoding": self.encoding,
        }
