"""The memory of a layer that looks back at finished rows."""

from keras import ops

__all__ = ["rows_before", "zero_rows"]


def zero_rows(batch_size, count: int, input_shape, dtype):
    """Return ``count`` rows of zeros, or an empty state for a layer that looks at none.

    Args:
        batch_size: Images, an integer or a scalar tensor.
        count: Rows that are remembered.
        input_shape: ``(batch, height, width, channels)`` of the layer's whole input.
        dtype: Of the rows.
    """
    if not count:
        return ()
    return ops.zeros((batch_size, count, *input_shape[2:]), dtype)


def rows_before(inputs, row, count: int):
    """Cut the ``count`` rows above ``row`` out of whole ``inputs``; above the first are zeros.

    Args:
        inputs: ``(batch, height, width, channels)``.
        row: Integer or scalar tensor.
        count: Rows wanted; an empty state for none.
    """
    if not count:
        return ()
    padded = ops.pad(inputs, ((0, 0), (count, 0), (0, 0), (0, 0)))
    return ops.slice(padded, (0, row, 0, 0), (ops.shape(inputs)[0], count, *inputs.shape[2:]))
