"""MADE: an autoencoder whose masks make it autoregressive."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_ar.models.masked_vector_model import MaskedVectorModel
from keras_ar.models.vector_model import layer_sizes

__all__ = ["MADE"]


@keras.saving.register_keras_serializable("keras_ar")
class MADE(MaskedVectorModel):
    """Predict every value from those before it, by dense layers with masked connections.

    One pass gives the likelihood. With several masks, every training batch uses one of them,
    drawn at random, and the law of the model is their equal mixture: ``log_prob`` is the
    logarithm of the mean probability over the whole list, and ``sample`` draws a mask for every
    example. ``distribution`` and ``model(x)`` are those of the first mask.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take; 2 makes the outputs Bernoulli.
        units: Units of every hidden layer, from the values on.
        activation: Of the hidden units.
        num_masks: Length of the list of masks.
        shuffles_order: Whether every mask but the first has an order of its own, drawn at
            random; the first is the natural (for images: raster) order.
        has_direct: Whether values also enter the outputs directly.
        seed: Seed of the masks and orders, and of the draws among them.
        name: Name of the model.

    Shapes:
        As ``NADE``.

    Raises:
        ValueError: If a size is impossible.

    Example:
        >>> model = MADE(20, units=(16, 16), num_masks=4)
        >>> model.log_prob(np.zeros((2, 20), "uint8")).shape
        TensorShape([2])

    Source:
        Germain et al. (2015), "MADE: Masked Autoencoder for Distribution Estimation",
        arXiv:1502.03509. Masks are drawn from the list instead of taken in turn.
    """

    def __init__(
        self,
        event_size: int | tuple[int, int, int],
        *,
        levels: int = 2,
        units: Sequence[int] = (8000, 8000),
        activation: str = "relu",
        num_masks: int = 1,
        shuffles_order: bool = False,
        has_direct: bool = True,
        seed: int = 0,
        name: str | None = "made",
    ):
        units = layer_sizes(units)
        if min(units, default=1) < 1 or num_masks < 1:
            raise ValueError(f"units and num_masks must be positive; got {units} and {num_masks}.")
        rng = np.random.default_rng(seed)

        def draw_orders(size: int) -> np.ndarray:
            natural = np.arange(1, size + 1)
            drawn = [
                rng.permutation(natural) if shuffles_order else natural for _ in range(num_masks)
            ]
            return np.stack([natural, *drawn[1:]])

        def draw_degrees(first: np.ndarray) -> list[np.ndarray]:
            # Units of the highest degree would feed nothing; those below the lowest degree of
            # the layer before would read nothing. A vector of one value has neither.
            lowest, highest = np.ones(num_masks, int), first.shape[1] - 1
            drawn = []
            for number in units:
                low = np.minimum(lowest, highest)[:, None]
                drawn.append(rng.integers(low, highest, (num_masks, number), endpoint=True))
                lowest = drawn[-1].min(axis=1)
            return drawn

        super().__init__(
            event_size=event_size,
            levels=levels,
            in_degrees=draw_orders,
            hidden_degrees=draw_degrees,
            activation=activation,
            has_direct=has_direct,
            seed=seed,
            config={
                "units": units,
                "activation": activation,
                "num_masks": num_masks,
                "shuffles_order": shuffles_order,
                "has_direct": has_direct,
                "seed": seed,
            },
            name=name,
        )
