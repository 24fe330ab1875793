"""Separate the values a distribution knows from those it must answer with NaN."""

from keras import ops

from keras_ar.distributions.tensor import Tensor


def legal_values(values: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Replace every value that is not an integer of ``0..levels-1`` by 0 and say where.

    The replacement keeps the formula finite there, so that the NaN put in
    afterwards cannot leak into the gradient of the legal values.

    Args:
        values: Any integer dtype, or floats that hold integers.
        levels: Number of legal values.

    Shapes:
        values: ``(..., channels)``.
        Output: the cleaned values, float32 ``(..., channels)``, and whether each
            one was legal, bool ``(..., channels)``.
    """
    # Compared as float32: an integer cast would wrap (2**32 -> 0) or truncate (0.5 -> 0).
    values = ops.cast(values, "float32")
    is_legal = ops.logical_and(values >= 0.0, values <= levels - 1.0)
    is_legal = ops.logical_and(is_legal, ops.equal(values, ops.floor(values)))
    return ops.where(is_legal, values, 0.0), is_legal
