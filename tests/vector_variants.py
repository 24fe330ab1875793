"""Small models of vectors of every kind, by name; small enough to write down every vector."""

import numpy as np
import pytest
from marks import marked

from keras_ar.models import FVSBN, MADE, NADE, ConvNADE, DeepNADE, NeuralAutoregressive

VECTOR_VARIANTS = {
    "nade_binary": lambda: NADE(7, units=5),
    "nade_levels": lambda: NADE(5, levels=3, units=6, activation="tanh", order=(3, 1, 0, 4, 2)),
    "nade_image": lambda: NADE((2, 2, 2), units=4, order=tuple(np.arange(8)[::-1])),
    "fvsbn_binary": lambda: FVSBN(7),
    "fvsbn_levels": lambda: FVSBN((1, 2, 2), levels=3),
    "neural_autoregressive": lambda: NeuralAutoregressive(5, levels=3),
    "made_binary": lambda: MADE(7, units=(9, 8), activation="tanh"),
    "made_masks": lambda: MADE(
        (2, 3, 1), units=(9, 7), activation="tanh", num_masks=3, shuffles_order=True
    ),
    "made_levels": lambda: MADE(
        5, levels=3, units=8, activation="tanh", num_masks=2, has_direct=False
    ),
    "deepnade_binary": lambda: DeepNADE(7, units=(9, 8), activation="tanh"),
    "deepnade_levels": lambda: DeepNADE((1, 2, 2), levels=3, units=9, activation="tanh"),
    "convnade_binary": lambda: ConvNADE((3, 3, 1), filters=6, kernel_size=2, units=5),
    "convnade_colour": lambda: ConvNADE((2, 2, 2), filters=6, kernel_size=2, units=()),
}

# Models that differ from others here by levels or by the shape of an example: only with -m slow.
VECTOR_SLOW = {
    "convnade_binary",
    "deepnade_levels",
    "fvsbn_levels",
    "made_binary",
    "made_levels",
    "nade_binary",
    "nade_image",
}
every_vector_variant = pytest.mark.parametrize(
    "build", marked(VECTOR_VARIANTS, slow=VECTOR_SLOW, of=VECTOR_VARIANTS)
)
ORDERLESS = [name for name in VECTOR_VARIANTS if name.startswith(("deepnade", "convnade"))]
ORDERED = [name for name in VECTOR_VARIANTS if name not in ORDERLESS]
VECTOR_ONE_OF_EACH = ["nade_levels", "made_masks", "deepnade_binary", "convnade_colour"]
