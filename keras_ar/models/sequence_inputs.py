"""What may enter a model of sequences: checked once, before any work is done."""

import numpy as np
from keras import ops

from keras_ar.models.inputs import check_class_ids, check_condition_map, whole_numbers

__all__ = ["batch_size_of_chunks", "check_codes", "check_sequence_conditions", "mark_lengths"]

# Stands behind the end of a sequence in an array with longer ones.
_PADDING = -1


def check_codes(codes, vocabulary_size: int, *, may_be_padded: bool = True) -> np.ndarray:
    """Return ``codes`` as int32 ``(batch, time)``, or say what is wrong with them.

    Args:
        codes: Array-like integers ``0..vocabulary_size-1``, -1 behind the end of a sequence.
        vocabulary_size: Number of codes.
        may_be_padded: Whether sequences may be shorter than the array.

    Raises:
        TypeError: If the values are not numbers.
        ValueError: If rank or values do not fit, or a sequence is empty.
    """
    array = np.asarray(ops.convert_to_numpy(codes))
    if array.ndim != 2:
        hint = " Add a batch axis: codes[None]." if array.ndim == 1 else ""
        raise ValueError(f"codes must have shape (batch, time); got {array.shape}.{hint}")
    if not array.size:
        raise ValueError(f"codes is empty (shape {array.shape}): there is nothing to work on.")
    array = whole_numbers(
        "codes", array, f"The model wants integer codes 0..{vocabulary_size - 1}."
    )
    low, high = int(array.min()), int(array.max())
    if low < (_PADDING if may_be_padded else 0) or high >= vocabulary_size:
        raise ValueError(
            f"codes must lie in 0..{vocabulary_size - 1} (vocabulary_size={vocabulary_size}); got "
            f"values between {low} and {high}."
        )
    if low == _PADDING:
        is_end = array == _PADDING
        if np.any(is_end[:, :-1] & ~is_end[:, 1:]):
            raise ValueError("The code -1 means that a sequence has ended, and codes follow it.")
        if is_end[:, 0].any():
            raise ValueError(f"Sequence {int(np.argmax(is_end[:, 0]))} is empty.")
    return array.astype("int32")


def mark_lengths(codes, lengths) -> np.ndarray:
    """Put -1 behind the end of every sequence; ``lengths`` may be ``None``.

    Raises:
        ValueError: If there is not one length per sequence, or one is not in ``1..time``.
    """
    codes = np.asarray(ops.convert_to_numpy(codes))
    if lengths is None or codes.ndim != 2:
        return codes
    lengths = np.asarray(ops.convert_to_numpy(lengths))
    number, time = codes.shape
    if lengths.shape != (number,):
        raise ValueError(
            f"lengths must hold one number for each of the {number} sequences; got shape "
            f"{lengths.shape}."
        )
    lengths = whole_numbers("lengths", lengths, "")
    if lengths.min() < 1 or lengths.max() > time:
        raise ValueError(f"lengths must lie in 1..{time}; got {lengths.min()} to {lengths.max()}.")
    is_value = np.arange(time) < lengths[:, None]
    # A type that holds -1 whatever that of the codes.
    return np.where(is_value, codes, np.int32(_PADDING))


def batch_size_of_chunks(x, y=None) -> int | None:
    """Return the number of rows of batches ``(codes, continues)``; ``None`` of other data.

    Args:
        x: What ``fit`` was given.
        y: Likewise.

    Raises:
        ValueError: If it is arrays, which ``fit`` would shuffle, or the second one is no claim
            about each row.
    """
    if y is not None or hasattr(x, "shape"):
        if y is not None and np.asarray(ops.convert_to_numpy(y)).dtype == bool:
            raise ValueError(
                "Chunks that continue each other must keep their order, which fit does not do for "
                "arrays: pass a data set of batches (codes, continues)."
            )
        return None
    if hasattr(x, "element_spec"):
        spec = x.element_spec
        is_pair = isinstance(spec, tuple) and len(spec) > 1
        batch = next(iter(x)) if is_pair and spec[0].shape[0] is None else spec
    elif hasattr(x, "__getitem__") and not isinstance(x, tuple | list):
        batch = x[0]
    else:
        return None
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        return None
    codes, continues, *_ = batch
    if continues.dtype != bool or tuple(continues.shape) != (codes.shape[0],):
        raise ValueError(
            f"A model without conditions takes batches of codes, or (codes, continues) with bool "
            f"(batch,); got {continues.dtype} of shape {tuple(continues.shape)} as the second."
        )
    return int(codes.shape[0])


def check_sequence_conditions(condition, shape: tuple[int, int], model):
    """Return the conditions as the network wants them, ``None`` for an unconditional model.

    Args:
        condition: What the user gave: class ids or an embedding, a series of features, or the
            pair of both.
        shape: ``(batch, time)`` of the codes.
        model: A ``SequenceModel``.

    Raises:
        ValueError: If one is missing, superfluous, or does not fit.
    """
    wanted = model.inputs[1:]
    if not wanted:
        if condition is not None:
            raise ValueError(f"{model.name} is unconditional: leave condition out.")
        return None
    if condition is None:
        parts = " and ".join(_describe(spec, model) for spec in wanted)
        raise ValueError(f"{model.name} is conditional: pass condition={parts}.")
    given = [condition] if len(wanted) == 1 else condition
    if not isinstance(given, tuple | list) or len(given) != len(wanted):
        parts = " and ".join(_describe(spec, model) for spec in wanted)
        raise ValueError(f"{model.name} wants a pair of conditions: {parts}.")
    checked = [_check_one(x, spec, shape, model) for x, spec in zip(given, wanted, strict=True)]
    return checked[0] if len(checked) == 1 else tuple(checked)


def _describe(spec, model) -> str:
    if spec.name == "features":
        return f"features (batch, frames, {spec.shape[-1]}), one frame per {model.hop} codes"
    if model.num_classes:
        return f"class ids 0..{model.num_classes - 1}" if len(spec.shape) == 1 else (
            f"class ids (batch, {spec.shape[-1]}) below {tuple(model.num_classes)}"
        )  # fmt: skip
    return f"an embedding (batch, {spec.shape[-1]})"


def _check_one(given, spec, shape: tuple[int, int], model) -> np.ndarray:
    count, time = shape
    if spec.name == "features":
        frames = -(-time // model.hop)
        try:
            return check_condition_map(given, (frames, spec.shape[-1]), count)
        except ValueError as error:
            raise ValueError(
                f"{time} codes want {frames} frames of {spec.shape[-1]} features, one per "
                f"{model.hop} codes: {error}"
            ) from None
    if model.num_classes:
        return check_class_ids(given, model.num_classes, count)
    return check_condition_map(given, spec.shape[1:], count)
