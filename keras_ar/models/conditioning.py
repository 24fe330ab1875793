"""Inputs and conditions that image models share."""

import keras
from keras import ops

__all__ = ["condition_input", "image_input", "vector_condition_input"]


def image_input(image_shape: tuple[int, int, int], levels: int) -> keras.KerasTensor:
    """Create the input of integer images, or say what is wrong with their shape.

    Raises:
        ValueError: If ``image_shape`` is not three positive integers, or ``levels`` is below 2.
    """
    if len(image_shape) != 3 or any(int(side) != side or side < 1 for side in image_shape):
        raise ValueError(
            f"image_shape must be (height, width, channels), all positive; got {image_shape}."
        )
    if levels < 2:
        raise ValueError(f"levels must be at least 2; got {levels}.")
    return keras.Input(tuple(image_shape), dtype="int32", name="images")


def condition_input(
    image_shape: tuple[int, int, int],
    num_classes: int | None,
    condition_shape: tuple[int, ...] | None,
) -> tuple[keras.KerasTensor | None, keras.KerasTensor | None]:
    """Create the input of a condition, and what the network reads of it.

    Args:
        image_shape: ``(height, width, channels)``.
        num_classes: For class ids: their number. They are read as one-hot vectors.
        condition_shape: ``(features,)`` for an embedding, or ``(rows, columns, features)`` for a
            spatial map, whose sides divide those of the image by the same factor. A smaller map
            is brought to the size of the image by a learned transposed convolution.

    Returns:
        The model's input and the tensor for the layers; a pair of ``None`` without condition.

    Raises:
        ValueError: If both are given, or the shape cannot be used.
    """
    if num_classes is not None and condition_shape is not None:
        raise ValueError("Give num_classes or condition_shape, not both.")
    if num_classes is not None:
        if num_classes < 1:
            raise ValueError(f"num_classes must be positive; got {num_classes}.")
        class_ids = keras.Input((), dtype="int32", name="condition")
        return class_ids, ops.one_hot(class_ids, num_classes)
    if condition_shape is None:
        return None, None
    if len(condition_shape) not in (1, 3) or any(side < 1 for side in condition_shape):
        raise ValueError(
            "condition_shape must be (features,) or (rows, columns, features); "
            f"got {tuple(condition_shape)}."
        )
    values = keras.Input(tuple(condition_shape), name="condition")
    if len(condition_shape) == 1 or tuple(condition_shape[:2]) == tuple(image_shape[:2]):
        return values, values
    rows, columns, features = condition_shape
    factor = image_shape[0] // rows
    if (rows * factor, columns * factor) != tuple(image_shape[:2]):
        raise ValueError(
            f"A spatial condition of {rows}x{columns} cannot be enlarged to an image of "
            f"{image_shape[0]}x{image_shape[1]} by one whole factor."
        )
    enlarge = keras.layers.Conv2DTranspose(features, factor, strides=factor, name="enlarge")
    return values, enlarge(values)


def vector_condition_input(
    model: str,
    image_shape: tuple[int, int, int],
    num_classes: int | None,
    condition_shape: tuple[int, ...] | None,
) -> tuple[keras.KerasTensor | None, keras.KerasTensor | None]:
    """Do what ``condition_input`` does, for a model that takes no spatial map.

    Raises:
        ValueError: If the condition is a map, in the name of ``model``.
    """
    if condition_shape is not None and len(condition_shape) != 1:
        raise ValueError(f"{model} takes class ids or an embedding, not a spatial map.")
    return condition_input(image_shape, num_classes, condition_shape)
