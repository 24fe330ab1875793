"""What a model really looks at, found by changing pixels and watching the outputs."""

import contextlib
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_ar.layers import PixelScaling, SeenValues
from keras_ar.models import AutoregressiveModel
from keras_ar.models.inputs import storage_dtype
from keras_ar.sampling import compile_function

__all__ = ["format_receptive_field", "input_gradients", "receptive_field", "watched_pixel"]


def receptive_field(
    model: AutoregressiveModel,
    row: int | None = None,
    column: int | None = None,
    *,
    trials: int = 4,
    seed: int = 0,
    batch_size: int = 64,
) -> np.ndarray:
    """Find the pixels on which the distribution of one pixel depends.

    Every pixel of a random image is changed in turn, the later ones too, and the parameters at
    the chosen pixel are compared bit by bit. A unit that is off (a ReLU at zero) can hide a
    dependence in one image, so the union over several is taken; what never moves a single bit is
    not found. Conditional models are asked with class 0, or with zeros.

    Args:
        model: Any image model.
        row: Row of the pixel whose distribution is watched; the middle by default.
        column: Its column; likewise.
        trials: Random images.
        seed: Seed of the images.
        batch_size: Images per network pass.

    Returns:
        bool ``(height, width)``, true where a change of the pixel changes the parameters. The
        pixel itself is among them if its colours are predicted one after the other.

    Raises:
        ValueError: If the pixel lies outside the image, or a number is not positive.

    Example:
        >>> mask = receptive_field(model)
        >>> print(format_receptive_field(mask, 14, 14))
    """
    row, column = watched_pixel(model, row, column)
    height, width, _ = model.image_shape
    if trials < 1 or batch_size < 1:
        raise ValueError(f"trials and batch_size must be positive; got {trials}, {batch_size}.")

    def parameters_at_pixel(images, *condition):
        return model.parameters_graph(images, *condition)[:, row, column]

    compiled = compile_function(parameters_at_pixel, model.variables)
    num_pixels = height * width
    batch_size = min(batch_size, num_pixels)
    condition = [
        ops.zeros((batch_size, *given.shape[1:]), given.dtype) for given in model.inputs[1:]
    ]

    def outputs(images: np.ndarray) -> np.ndarray:
        return ops.convert_to_numpy(compiled(ops.convert_to_tensor(images), *condition))

    rng = np.random.default_rng(seed)
    levels = model.likelihood.levels
    field = np.zeros(num_pixels, bool)
    for _ in range(trials):
        image = rng.integers(0, levels, model.image_shape)
        # From 1 to levels - 1, modulo levels: every colour of the pixel really changes.
        changed = (image + rng.integers(1, levels, model.image_shape)) % levels
        repeated = np.tile(image, (batch_size, 1, 1, 1)).astype(storage_dtype(levels))
        # Rounding may differ between places of a batch, so each is compared with its own.
        reference = outputs(repeated)
        for start in range(0, num_pixels, batch_size):
            pixels = np.arange(start, min(start + batch_size, num_pixels))
            places = np.arange(len(pixels))
            rows, columns = np.divmod(pixels, width)
            batch = repeated.copy()
            batch[places, rows, columns] = changed[rows, columns]
            differs = np.any(outputs(batch) != reference, axis=-1)
            field[pixels] |= differs[places]
    return field.reshape(height, width)


def input_gradients(
    model: AutoregressiveModel,
    images: np.ndarray,
    row: int | None = None,
    column: int | None = None,
) -> np.ndarray:
    """Differentiate the first parameter of one pixel with respect to every input pixel.

    Where ``receptive_field`` says what can matter, this says how much it does, at given images.
    An order-agnostic model is asked with the pixels that come before in its order.

    Args:
        model: Any unconditional image model without latents.
        images: As for ``log_prob``; the result is the mean over them.
        row: Row of the pixel; the middle by default.
        column: Its column; likewise.

    Returns:
        float32 ``(height, width)``: the mean absolute derivative, summed over colours, per unit
        of the scaled input.

    Raises:
        ValueError: If the pixel lies outside the image, or the model has a condition or latents.
    """
    if model.is_conditional:
        raise ValueError(f"{model.name} is conditional: its gradients depend on the condition.")
    if not model.is_exact:
        raise ValueError(f"{model.name} has latents, on which its gradients depend.")
    row, column = watched_pixel(model, row, column)
    height, width, channels = model.image_shape
    scaling = next(layer for layer in model.layers if isinstance(layer, PixelScaling))
    network = keras.Model(scaling.output, model.outputs[0])
    place = np.argsort(model.order_of()).reshape(model.image_shape)
    is_seen = np.broadcast_to(place < place[row, column].min(), (len(images), *place.shape))
    seen = [layer for layer in model.layers if isinstance(layer, SeenValues)]

    def parameter(features):
        with contextlib.ExitStack() as given:
            for layer in seen:
                given.enter_context(layer.given(is_seen.reshape(len(images), -1)))
            return ops.sum(network(features, training=False)[:, row, column, 0])

    values = ops.reshape(ops.convert_to_tensor(images), (-1, *scaling.input.shape[1:]))
    gradients = np.abs(_gradient(parameter, scaling(values)))
    return gradients.reshape(len(images), height, width, -1)[..., :channels].sum(-1).mean(0)


def _gradient(function: Callable, inputs) -> np.ndarray:
    if keras.backend.backend() == "jax":
        import jax

        return np.array(jax.grad(function)(inputs))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(inputs)
    return tape.gradient(value, inputs).numpy()


def watched_pixel(
    model: AutoregressiveModel, row: int | None = None, column: int | None = None
) -> tuple[int, int]:
    """Return row and column of the pixel that the functions of this module look at.

    Args:
        model: Any image model.
        row: Row of the pixel; the middle by default.
        column: Its column; likewise.

    Raises:
        ValueError: If it lies outside the image.
    """
    height, width, _ = model.image_shape
    row = height // 2 if row is None else row
    column = width // 2 if column is None else column
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"Pixel ({row}, {column}) lies outside the {height}x{width} image.")
    return row, column


def format_receptive_field(
    mask: np.ndarray, row: int, column: int, order: np.ndarray | None = None
) -> str:
    """Draw a receptive field with one character per pixel.

    ``@`` is the pixel whose distribution is watched, ``#`` a pixel that matters and ``.`` one
    that does not; ``!`` is a pixel that matters and must not, because it comes later.

    Args:
        mask: What ``receptive_field`` returned.
        row: Row of the watched pixel.
        column: Its column.
        order: The index of the value at each place, ``model.order_of()``; raster order if left
            out.

    Example:
        >>> print(format_receptive_field(np.array([[True, False], [True, False]]), 1, 1))
        #.
        #@
    """
    mask = np.asarray(mask)
    # With colours, a pixel comes when its first colour does.
    size = mask.size if order is None else len(order)
    place = np.arange(size) if order is None else np.argsort(order)
    place = place.reshape(*mask.shape, -1).min(axis=-1)
    later = place > place[row, column]
    drawn = np.where(mask, np.where(later, "!", "#"), ".")
    drawn[row, column] = "@"
    return "\n".join("".join(line) for line in drawn)
