"""How long the arithmetic of incremental generation takes at least, on this machine."""

import collections
import statistics
import time

import tensorflow as tf

__all__ = ["arithmetic_limit"]


def matrix_products(model) -> collections.Counter:
    """Count the matrix products that generate one image, by shape.

    Returns:
        How often ``(positions, inner, outer)`` is multiplied: ``positions`` cells at once, each a
        vector of ``inner`` numbers by a matrix of ``inner x outer``.
    """
    network = model.sampler.network
    height, width, _ = model.image_shape
    counts: collections.Counter = collections.Counter()
    for schedule in network.schedules:
        num_rows = height // network.period
        for task in schedule.tasks:
            layer = task.node.operation
            if not hasattr(layer, "effective_kernel") or not task.produces:
                continue
            across = width // task.scale_out
            if task.is_upsampling:
                _, columns, outer, inner = layer.effective_kernel.shape
                taps = columns / layer.strides
                positions = 1 if task.runs_per_pixel else across
                counts[positions, round(taps * inner), outer] += num_rows * across // positions
                continue
            rows, columns, inner, outer = layer.effective_kernel.shape
            if not task.runs_per_pixel:
                counts[across, rows * columns * inner, outer] += num_rows
                continue
            present = len(layer.initial_queue(1, task.node.input_shape)) + (layer.delay is None)
            counts[1, present * inner, outer] += num_rows * across
            if rows > 1:
                counts[across, (rows - 1) * columns * inner, outer] += num_rows
    return counts


def seconds_per_product(rows: int, inner: int, outer: int, repeats: int = 5) -> float:
    """Time one product of a ``rows x inner`` and an ``inner x outer`` matrix in a compiled loop."""
    matrix = tf.random.normal((inner, outer))
    back = tf.random.normal((outer, inner)) * 1e-3
    number = int(max(10, min(400, 2e9 / (2 * rows * inner * outer))))

    @tf.function
    def chain(vectors):
        # Each product waits for the one before, as pixels do.
        for _ in tf.range(number):
            vectors = tf.matmul(tf.matmul(vectors, matrix), back)
        return vectors

    vectors = tf.random.normal((rows, inner))
    chain(vectors)
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        chain(vectors).numpy()
        found.append((time.perf_counter() - start) / (2 * number))
    return statistics.median(found)


def arithmetic_limit(model, batch_size: int) -> tuple[float, float]:
    """Return the multiply-adds of one batch, and the seconds that its matrix products take alone.

    Each product is timed at its own shape on this machine, in a chain, in float32.
    """
    multiply_adds, seconds = 0.0, 0.0
    for (positions, inner, outer), count in matrix_products(model).items():
        rows = positions * batch_size
        multiply_adds += count * rows * inner * outer
        seconds += count * seconds_per_product(rows, inner, outer)
    return multiply_adds, seconds
