"""Turn uniform noise into draws, so that equal noise gives equal draws everywhere."""

from keras import ops

from keras_ar.distributions.tensor import Tensor


def logistic_noise(noise: Tensor) -> Tensor:
    """Map uniform noise of the open unit interval to standard logistic noise."""
    noise = ops.cast(noise, "float32")
    return ops.log(noise) - ops.log1p(-noise)


def sample_index(logits: Tensor, noise: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """Draw an index of the last axis by inverting the cumulative distribution.

    An index of zero probability is never drawn.

    Args:
        logits: Unnormalised natural log probabilities.
        noise: Uniform numbers of the open interval (0, 1).
        temperature: Divides the logits; below 1 sharpens the distribution.

    Shapes:
        logits: ``(..., classes)``.
        temperature: Any shape that can be broadcast to that of the logits.
        noise: ``(...)``.
        Output: int32 ``(...)``.
    """
    logits = ops.cast(logits, "float32")
    temperature = ops.cast(temperature, "float32")
    # The maximum goes first: a low temperature must not overflow large logits.
    logits = (logits - ops.max(logits, axis=-1, keepdims=True)) / temperature
    weights = ops.exp(logits)
    # Parallel cumulative sums are not monotone to the last bit. Weightless classes are
    # therefore taken out of the race, and the largest partial sum serves as the total.
    cumulative = ops.where(weights > 0.0, ops.cumsum(weights, axis=-1), 0.0)
    total = ops.max(cumulative, axis=-1)
    threshold = ops.expand_dims(ops.cast(noise, "float32") * total, -1)
    is_reached = ops.cast(cumulative > threshold, "int32")
    return ops.cast(ops.argmax(is_reached, axis=-1), "int32")
