"""Attention of every pixel to all pixels before it."""

import keras
from keras import ops

__all__ = ["CausalAttention2D"]

# A score whose exponential is zero beside that of any other.
_NEVER = -1e30


@keras.saving.register_keras_serializable("keras_ar")
class CausalAttention2D(keras.layers.Layer):
    """Mix the values of all earlier pixels, in raster order, by how well their keys fit a query.

    A pixel never attends to itself, so keys and values may know the pixel they stand at; queries
    may not. The first pixel attends to nothing and gets zeros. Weights are the softmax of
    ``query . key / sqrt(key filters of a head)``, in float32.

    The layer has no weights: queries, keys and values come from layers before it. Time and
    memory grow with the square of the number of pixels; step by step, a pixel costs as many
    products as there are pixels before it.

    Args:
        num_heads: Heads, each with an equal part of the channels.

    Shapes:
        Input: ``queries`` ``(batch, height, width, num_heads * keys)``; ``keys_values``
            ``(batch, height, width, num_heads * (keys + values))``, the keys of all heads before
            the values of all heads.
        Output: ``(batch, height, width, num_heads * values)``, compute dtype.

    Raises:
        ValueError: If the channels do not divide into heads, or no channel is left for values.

    Source:
        Chen et al. (2018), "PixelSNAIL: An Improved Autoregressive Generative Model",
        arXiv:1712.09763, section 2, and the authors' code (``causal_attention``).
    """

    delay = "column"
    # What a pixel asks is read at the pixel itself.
    undelayed_inputs = (0,)
    steps_within_row = True

    def __init__(self, num_heads: int = 1, **kwargs):
        super().__init__(**kwargs)
        if num_heads < 1:
            raise ValueError(f"num_heads must be positive; got {num_heads}.")
        self.num_heads = num_heads

    def build(self, queries_shape, keys_values_shape):
        keys, remembered = queries_shape[-1], keys_values_shape[-1]
        if keys % self.num_heads or remembered % self.num_heads or remembered <= keys:
            raise ValueError(
                f"{self.num_heads} heads take queries of num_heads * keys channels and keys and "
                f"values of num_heads * (keys + values) channels; got {keys} and {remembered}."
            )
        self._keys, self._remembered = keys, remembered
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: keys})
        self.built = True

    def call(self, queries, keys_values):
        places = ops.arange(queries.shape[1] * queries.shape[2])
        is_earlier = places[None, :] < places[:, None]
        return self._attend(queries, [(keys_values, is_earlier)])

    def initial_state(self, batch_size, input_shape):
        """Return an empty image of keys and values, and the number of its finished rows."""
        shape = (batch_size, *input_shape[1:3], self._remembered)
        return {"cells": ops.zeros(shape, self.compute_dtype), "rows": ops.zeros((), "int32")}

    def step(self, inputs, state):
        """Attend from one whole row ``(batch, 1, width, ...)``."""
        queries, keys_values = inputs
        places = ops.arange(queries.shape[2])
        is_earlier = places[None, :] < places[:, None]
        parts = [self._finished(state), (keys_values, is_earlier)]
        return self._attend(queries, parts), self.leave_row(inputs, state)

    def enter_row(self, state):
        """Return the pixel step; its queue is the row so far, and how many pixels it has."""

        def step_pixel(inputs, ahead, queue):
            queries, keys_values = inputs
            is_earlier = ops.arange(queue["cells"].shape[2]) < queue["columns"]
            outputs = self._attend(queries, [self._finished(state), (queue["cells"], is_earlier)])
            is_here = ops.arange(queue["cells"].shape[2]) == queue["columns"]
            cells = ops.where(is_here[:, None], keys_values, queue["cells"])
            return outputs, {"cells": cells, "columns": queue["columns"] + 1}

        return None, step_pixel

    def initial_queue(self, batch_size, input_shape):
        """Return an empty row of keys and values, and the number of its pixels."""
        shape = (batch_size, 1, input_shape[2], self._remembered)
        return {"cells": ops.zeros(shape, self.compute_dtype), "columns": ops.zeros((), "int32")}

    def leave_row(self, inputs, state):
        """Remember the keys and values of a finished row."""
        is_here = ops.arange(state["cells"].shape[1]) == state["rows"]
        cells = ops.where(is_here[:, None, None], inputs[1], state["cells"])
        return {"cells": cells, "rows": state["rows"] + 1}

    def state_after(self, inputs, rows):
        """Return the state after the first ``rows`` rows of whole ``inputs``."""
        is_finished = ops.arange(inputs[1].shape[1]) < rows
        cells = ops.where(is_finished[:, None, None], inputs[1], 0)
        return {"cells": cells, "rows": ops.cast(rows, "int32")}

    def _finished(self, state):
        """Return keys and values of the image, and which of its pixels are in finished rows."""
        height, width = state["cells"].shape[1:3]
        return state["cells"], ops.arange(height * width) < width * state["rows"]

    def _attend(self, queries, parts):
        """Attend to several maps of keys and values, each with a mask of what may be seen.

        A mask is bool ``(queries, pixels)``, or ``(pixels,)`` for all queries.
        """
        asked = self._split_heads(queries) * (self._keys // self.num_heads) ** -0.5
        scores, values, sees_any = [], [], False
        for keys_values, is_seen in parts:
            keys, content = map(self._split_heads, ops.split(keys_values, [self._keys], axis=-1))
            score = ops.cast(ops.matmul(asked, ops.swapaxes(keys, -1, -2)), "float32")
            # Added, not chosen by `where`, whose gradient would take one more pass.
            scores.append(score + ops.where(is_seen, 0.0, _NEVER))
            values.append(content)
            sees_any = ops.logical_or(sees_any, ops.any(is_seen, axis=-1, keepdims=True))
        weights = ops.softmax(ops.concatenate(scores, axis=-1))
        mixed = ops.matmul(ops.cast(weights, self.compute_dtype), ops.concatenate(values, axis=-2))
        # Who sees nothing would see all things alike.
        mixed = mixed * ops.cast(sees_any, self.compute_dtype)
        return self._join_heads(mixed, queries.shape[1:3])

    def _split_heads(self, maps):
        """Turn ``(batch, height, width, channels)`` into ``(batch, heads, pixels, ...)``."""
        _, height, width, channels = maps.shape
        heads = (-1, height * width, self.num_heads, channels // self.num_heads)
        return ops.transpose(ops.reshape(maps, heads), (0, 2, 1, 3))

    def _join_heads(self, values, size):
        channels = self.num_heads * values.shape[-1]
        return ops.reshape(ops.transpose(values, (0, 2, 1, 3)), (-1, *size, channels))

    def compute_output_shape(self, queries_shape, keys_values_shape):
        return (*queries_shape[:-1], keys_values_shape[-1] - queries_shape[-1])

    def get_config(self):
        return super().get_config() | {"num_heads": self.num_heads}
