"""Turn the diagonals of a map into columns, and back."""

from keras import ops

__all__ = ["skew", "unskew"]


def skew(maps, filler):
    """Move row ``r`` of a map ``r`` columns to the right.

    A pixel's left and upper neighbours then lie in the column before its own, so all pixels of a
    column can be computed at once. Rows longer by the height do it without moving rows one by
    one: cut at the length of the new rows, each of them begins one column later.

    Args:
        maps: ``(..., height, width, channels)``.
        filler: What the corners hold, ``(channels,)``.

    Returns:
        ``(..., height, height + width - 1, channels)``.
    """
    *outer, height, width, channels = ops.shape(maps)
    corners = ops.broadcast_to(filler, (*outer, height, height, channels))
    flat = ops.concatenate([maps, corners], axis=-2)
    flat = ops.reshape(flat, (*outer, height * (width + height), channels))
    length = height + width - 1
    return ops.reshape(flat[..., : height * length, :], (*outer, height, length, channels))


def unskew(maps):
    """Undo ``skew``; the corners are dropped.

    Args:
        maps: ``(..., height, height + width - 1, channels)``.

    Returns:
        ``(..., height, width, channels)``.
    """
    *outer, height, length, channels = ops.shape(maps)
    flat = ops.reshape(maps, (*outer, height * length, channels))
    flat = ops.pad(flat, (*((0, 0),) * len(outer), (0, height), (0, 0)))
    width = length + 1 - height
    return ops.reshape(flat, (*outer, height, length + 1, channels))[..., :width, :]
