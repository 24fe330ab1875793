"""The fully visible sigmoid belief network: logistic autoregression."""

import keras
import numpy as np

from keras_ar.models.masked_vector_model import MaskedVectorModel

__all__ = ["FVSBN"]


@keras.saving.register_keras_serializable("keras_ar")
class FVSBN(MaskedVectorModel):
    """Predict every value by a logistic regression on all values before it.

    The simplest model of its kind, without hidden units: the ancestor that the others must beat.
    Its weights start at zero, so an untrained model is uniform.

    Args:
        event_size: Values per example, or ``(height, width, channels)`` for images.
        levels: Number of values each of them can take; beyond 2 the regression is a softmax.
        name: Name of the model.

    Shapes:
        As ``NADE``.

    Raises:
        ValueError: If a size is impossible.

    Source:
        Neal (1992), "Connectionist learning of belief networks"; Frey (1998), "Graphical Models
        for Machine Learning and Digital Communication".
    """

    def __init__(
        self,
        event_size: int | tuple[int, int, int],
        *,
        levels: int = 2,
        name: str | None = "fvsbn",
    ):
        super().__init__(
            event_size=event_size,
            levels=levels,
            in_degrees=lambda size: np.arange(1, size + 1),
            hidden_degrees=lambda first: [],
            activation="linear",
            has_direct=True,
            seed=0,
            config={},
            name=name,
        )
