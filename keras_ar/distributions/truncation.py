"""Leave out the unlikely levels of a categorical law before drawing from it."""

from keras import ops

from keras_ar.distributions.tensor import Tensor

__all__ = ["truncate_logits"]


def truncate_logits(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Set the logits outside the ``top_k`` most likely and outside the nucleus to minus infinity.

    The nucleus is the smallest set of most likely classes that holds at least the probability
    ``top_p``. The most likely class always stays; of equally likely ones the first goes first.

    Args:
        logits: Unnormalised natural log probabilities, after the temperature.
        top_k: Integer scalar, at least 1.
        top_p: Float scalar of (0, 1].

    Shapes:
        logits: ``(..., classes)``, float32.
        Output: The same.

    Source:
        Holtzman et al. (2020), "The Curious Case of Neural Text Degeneration",
        arXiv:1904.09751, section 3.1 (nucleus).
    """
    order = ops.argsort(-logits, axis=-1)
    sorted_probs = ops.softmax(ops.take_along_axis(logits, order, axis=-1), axis=-1)
    before = ops.cumsum(sorted_probs, axis=-1) - sorted_probs
    place = ops.arange(logits.shape[-1])
    stays = ops.logical_and(place < top_k, ops.logical_or(before < top_p, place == 0))
    rank = ops.argsort(order, axis=-1)
    return ops.where(ops.take_along_axis(stays, rank, axis=-1), logits, -float("inf"))
