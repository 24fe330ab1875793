"""The neural autoregressive model of Bengio and Bengio."""

import keras
import numpy as np

from keras_ar.models.masked_vector_model import MaskedVectorModel

__all__ = ["NeuralAutoregressive"]


@keras.saving.register_keras_serializable("keras_ar")
class NeuralAutoregressive(MaskedVectorModel):
    """Predict every value from groups of hidden units, one group for each value.

    The group of a value reads all values before it, and the value's output reads its own group
    and those of the values before, and these values directly. Unlike in ``NADE`` no weights are
    shared: ``O(size^2 * units)`` of them.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take; 2 makes the outputs Bernoulli.
        units: Hidden units in the group of each value.
        activation: Of the hidden units.
        has_direct: Whether values also enter the outputs directly.
        name: Name of the model.

    Shapes:
        As ``NADE``.

    Raises:
        ValueError: If a size is impossible.

    Source:
        Bengio and Bengio (2000), "Modeling High-Dimensional Discrete Data with Multi-Layer
        Neural Networks". Its pruning of connections is left out.
    """

    def __init__(
        self,
        event_size: int | tuple[int, int, int],
        *,
        levels: int = 2,
        units: int = 2,
        activation: str = "tanh",
        has_direct: bool = True,
        name: str | None = "neural_autoregressive",
    ):
        if units < 1:
            raise ValueError(f"units must be positive; got {units}.")
        super().__init__(
            event_size=event_size,
            levels=levels,
            in_degrees=lambda size: np.arange(1, size + 1),
            hidden_degrees=lambda first: [np.repeat(first - 1, units, axis=1)],
            activation=activation,
            has_direct=has_direct,
            seed=0,
            config={"units": units, "activation": activation, "has_direct": has_direct},
            name=name,
        )
