"""What may enter a model: checked once, before any work is done."""

import numpy as np
from keras import ops

__all__ = [
    "check_class_ids",
    "check_condition",
    "check_condition_map",
    "check_images",
    "check_known",
    "check_spec",
    "check_truncation",
    "first_batch",
    "storage_dtype",
    "whole_numbers",
]


def storage_dtype(levels: int) -> np.dtype:
    """Return the smallest integer type that holds intensities ``0..levels-1``."""
    return np.min_scalar_type(levels - 1)


def whole_numbers(name: str, array: np.ndarray, hint: str) -> np.ndarray:
    """Return ``array`` if it holds whole numbers of any type.

    Raises:
        TypeError: If it does not hold numbers.
        ValueError: If one of them is not whole.
    """
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} must be an array of integers; got dtype {array.dtype}.")
    if not np.all(np.isfinite(array)) or np.any(array != np.round(array)):
        raise ValueError(
            f"{name} must be whole numbers; got {array.dtype} values between "
            f"{np.min(array):.4g} and {np.max(array):.4g}. {hint}"
        )
    return array


def check_truncation(top_k: int | None, top_p: float | None, likelihood) -> tuple:
    """Return ``(top_k, top_p)`` as tensors, or nothing when both are ``None``.

    Raises:
        ValueError: If the likelihood has no levels to choose among, or a number is impossible.
    """
    if top_k is None and top_p is None:
        return ()
    if not likelihood.can_truncate:
        raise ValueError(
            f"top_k and top_p choose among the levels of a categorical law; this model's outputs "
            f"feed a {type(likelihood).__name__}: use temperature instead."
        )
    if top_k is not None and (int(top_k) != top_k or top_k < 1):
        raise ValueError(f"top_k must be a positive integer; got {top_k}.")
    if top_p is not None and not 0.0 < top_p <= 1.0:
        raise ValueError(f"top_p must lie in (0, 1]; got {top_p}.")
    number = likelihood.levels if top_k is None else min(int(top_k), likelihood.levels)
    # Without a nucleus nothing may be lost to rounding: not 1 but infinity.
    mass = float("inf") if top_p in (None, 1.0) else top_p
    return ops.convert_to_tensor(number, "int32"), ops.convert_to_tensor(mass, "float32")


def check_images(images, event_shape: tuple[int, ...], levels: int) -> np.ndarray:
    """Return ``images`` as a NumPy array of the storage type, or say what is wrong with them.

    Args:
        images: Array-like ``(batch, *event_shape)`` of integers ``0..levels-1``; floats are
            accepted if they are such integers.
        event_shape: Shape of one example: ``(height, width, channels)``, or ``(size,)``.
        levels: Number of intensity values.

    Raises:
        TypeError: If the values are not numbers.
        ValueError: If rank, size, channels or values do not fit the model.
    """
    array = np.asarray(ops.convert_to_numpy(images))
    expected = f"(batch, {', '.join(map(str, event_shape))})"
    if array.ndim != len(event_shape) + 1:
        raise ValueError(
            f"images must have shape {expected}; got rank {array.ndim}, shape {array.shape}."
            + (" Add a batch axis: images[None]." if array.shape == tuple(event_shape) else "")
        )
    if array.shape[1:] != tuple(event_shape):
        raise ValueError(f"images must have shape {expected}; got {array.shape}.")
    if not array.size:
        raise ValueError("images is empty: there is nothing to work on.")
    array = whole_numbers(
        "images", array, f"The model wants integers 0..{levels - 1}, and scales them itself."
    )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= levels:
        raise ValueError(
            f"images must lie in 0..{levels - 1} (levels={levels}); got values between "
            f"{low} and {high}."
        )
    return array.astype(storage_dtype(levels))


def check_class_ids(condition, num_classes: int | tuple[int, ...], count: int) -> np.ndarray:
    """Return class ids as int32 ``(count,)``; one id stands for all.

    With several kinds of classes, ``num_classes`` is a tuple and ids come as ``(count, kinds)``.

    Raises:
        ValueError: If there are neither one nor ``count`` ids, or an id is outside
            ``0..num_classes-1``.
    """
    limits = np.asarray(num_classes)
    names = f"0..{num_classes - 1}" if not limits.ndim else f"below {tuple(num_classes)}"
    ids = np.asarray(ops.convert_to_numpy(condition))
    ids = whole_numbers("condition", ids, f"Class ids are integers {names}.")
    shape = (count, *limits.shape)
    if ids.shape == limits.shape:
        ids = np.broadcast_to(ids, shape)
    if ids.shape != shape:
        what = "class id" if not limits.ndim else f"row of {len(limits)} class ids"
        raise ValueError(
            f"condition must hold one {what}, or one for each of the {count} images; "
            f"got shape {ids.shape}."
        )
    if np.any(ids < 0) or np.any(ids >= limits):
        raise ValueError(f"Class ids must lie in {names}; got {ids.min()} to {ids.max()}.")
    return ids.astype("int32")


def check_condition_map(condition, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Return a real-valued condition as float32 ``(count, *shape)``; one stands for all.

    Raises:
        ValueError: If the shape does not fit or a value is not finite.
    """
    values = np.asarray(ops.convert_to_numpy(condition), dtype="float32")
    if values.shape == tuple(shape):
        values = np.broadcast_to(values, (count, *shape))
    if values.shape != (count, *shape):
        raise ValueError(
            f"condition must have shape {(count, *shape)}, or {tuple(shape)} for all images "
            f"alike; got {values.shape}."
        )
    if not np.all(np.isfinite(values)):
        raise ValueError("condition holds values that are not finite.")
    return values


def check_known(known, position_shape: tuple[int, ...], count: int) -> np.ndarray:
    """Return a mask of known positions as bool ``(count, *position_shape)``.

    Args:
        known: Array-like ``position_shape``, or ``(count, *position_shape)``.
        position_shape: ``(height, width)`` of an image, ``(size,)`` of a vector.
        count: Number of examples.

    Raises:
        TypeError: If the mask is not boolean (or 0/1).
        ValueError: If its shape is another one.
    """
    mask = np.asarray(ops.convert_to_numpy(known))
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise TypeError(f"known must be a boolean mask, True where given; got {mask.dtype} values.")
    if mask.shape == tuple(position_shape):
        mask = np.broadcast_to(mask, (count, *mask.shape))
    if mask.shape != (count, *position_shape):
        raise ValueError(
            f"known must have shape {tuple(position_shape)}, or {(count, *position_shape)} with "
            f"one mask per image; got {mask.shape}."
        )
    return mask.astype(bool)


def check_condition(condition, count: int, model):
    """Return the condition as the network wants it, ``None`` for an unconditional model.

    Args:
        condition: What the user gave.
        count: Number of images.
        model: An ``AutoregressiveModel``.

    Raises:
        ValueError: If it is missing, superfluous, or does not fit.
    """
    if not model.is_conditional:
        if condition is not None:
            raise ValueError(f"{model.name} is unconditional: leave condition out.")
        return None
    if condition is None:
        wanted = f"class ids 0..{model.num_classes - 1}" if model.num_classes else "a tensor"
        raise ValueError(f"{model.name} is conditional: pass condition={wanted}.")
    if model.num_classes:
        return check_class_ids(condition, model.num_classes, count)
    return check_condition_map(condition, model.inputs[1].shape[1:], count)


def check_spec(
    spec, event_shape: tuple[int, ...], levels: int, name: str, is_conditional: bool
) -> None:
    """Say what is wrong with the declared shapes and types of a tf.data pipeline.

    Raises:
        ValueError: If a condition is missing, or images are not integers of the model's shape.
    """
    images, *rest = spec if isinstance(spec, tuple | list) else (spec,)
    if is_conditional and not rest:
        raise ValueError(f"{name} is conditional: the data must be (images, condition).")
    if not images.dtype.is_integer:
        raise ValueError(
            f"The data set yields {images.dtype.name} images; the model wants integers "
            f"0..{levels - 1}, which it scales itself."
        )
    if images.shape.rank is not None and not images.shape.is_compatible_with((None, *event_shape)):
        raise ValueError(
            f"The data set yields images of shape {tuple(images.shape)}; the model wants "
            f"{('batch', *event_shape)}."
        )


def first_batch(x, y, is_conditional: bool):
    """Return images and condition of the first batch of arrays, a data set or a PyDataset.

    Raises:
        ValueError: If looking at the batch would lose it.
    """
    if hasattr(x, "shape"):
        return x[:32], None if y is None else y[:32]
    if not hasattr(x, "element_spec") and not hasattr(x, "__getitem__"):
        raise ValueError(
            "fit on an iterator cannot look at the first batch without losing it: call "
            "initialize_from_data(images) first, or pass arrays, a data set or a PyDataset."
        )
    batch = next(iter(x)) if hasattr(x, "element_spec") else x[0]
    images, *rest = batch if isinstance(batch, tuple | list) else (batch,)
    return images, rest[0] if is_conditional else None
