"""Small models of every kind, by name; none of them is square unless it has to be."""

import functools

import pytest
from checks import randomized
from marks import marked

from keras_ar.models import GatedPixelCNN, PixelCNN, PixelCNNPP, PixelRNN, PixelSNAIL

_PIXELCNN = {"num_blocks": 1, "first_kernel_size": 5}
_GATED = {"filters": 4, "num_blocks": 4, "kernel_size": 3, "first_kernel_size": 5}
_PLUS_PLUS = {"filters": 4, "num_blocks": 1, "num_mixtures": 2}
_RNN = {"num_blocks": 2, "first_kernel_size": 3, "head_filters": 12}
_SNAIL = {"filters": 4, "num_blocks": 2, "num_residual_blocks": 1, "num_mixtures": 2}
_GREY = {"image_shape": (4, 6, 1), "levels": 4, "head_filters": 8, **_GATED}

VARIANTS = {
    "pixelcnn_binary": lambda: PixelCNN(
        (5, 4, 1), levels=2, filters=4, head_filters=8, **_PIXELCNN
    ),
    "pixelcnn_colour": lambda: PixelCNN(
        (4, 5, 3), levels=5, filters=9, head_filters=18, **_PIXELCNN
    ),
    "gated_binary": lambda: GatedPixelCNN((1, 6, 1), levels=2, head_filters=8, **_GATED),
    "gated_colour": lambda: GatedPixelCNN(
        (5, 4, 3), levels=4, head_filters=18, **{**_GATED, "filters": 6}
    ),
    "gated_classes": lambda: GatedPixelCNN(num_classes=3, **_GREY),
    "gated_embedding": lambda: GatedPixelCNN(condition_shape=(2,), **_GREY),
    "gated_map": lambda: GatedPixelCNN(condition_shape=(4, 6, 2), **_GREY),
    "gated_small_map": lambda: GatedPixelCNN(condition_shape=(2, 3, 2), **_GREY),
    "plus_plus_colour": lambda: PixelCNNPP((8, 4, 3), **_PLUS_PLUS),
    "plus_plus_grey": lambda: PixelCNNPP((8, 4, 1), levels=16, **_PLUS_PLUS),
    "plus_plus_deep": lambda: PixelCNNPP((4, 8, 3), **{**_PLUS_PLUS, "num_blocks": 2}),
    "plus_plus_classes": lambda: PixelCNNPP((4, 4, 3), num_classes=3, **_PLUS_PLUS),
    "plus_plus_embedding": lambda: PixelCNNPP((4, 4, 1), condition_shape=(2,), **_PLUS_PLUS),
    "rnn_row_binary": lambda: PixelRNN((5, 4, 1), levels=2, recurrence="row", filters=3, **_RNN),
    "rnn_row_colour": lambda: PixelRNN(
        (3, 5, 3), levels=4, recurrence="row", filters=4, has_skips=False, **_RNN
    ),
    "rnn_diagonal_binary": lambda: PixelRNN((4, 6, 1), levels=2, filters=3, **_RNN),
    "rnn_diagonal_colour": lambda: PixelRNN((4, 3, 3), levels=4, filters=4, **_RNN),
    "rnn_diagonal_line": lambda: PixelRNN((1, 5, 1), levels=3, filters=3, **_RNN),
    "snail_grey": lambda: PixelSNAIL((5, 4, 1), levels=4, key_filters=2, **_SNAIL),
    "snail_heads_classes": lambda: PixelSNAIL(
        (3, 5, 3), key_filters=4, value_filters=6, num_heads=2, num_classes=3, **_SNAIL
    ),
}

# Models that differ from others here by more of the same, by levels, or by conditions that enter
# as those of others do: only with -m slow.
SLOW = {
    "gated_binary",
    "gated_embedding",
    "gated_map",
    "gated_small_map",
    "plus_plus_classes",
    "plus_plus_deep",
    "plus_plus_embedding",
    "plus_plus_grey",
    "rnn_diagonal_colour",
    "rnn_diagonal_line",
    "rnn_row_colour",
    "snail_heads_classes",
}


every_variant = pytest.mark.parametrize("build", marked(VARIANTS, slow=SLOW, of=VARIANTS))
CONDITIONAL = [name for name in VARIANTS if name.endswith(("classes", "embedding", "map"))]
# One of each class: for what does not depend on colours and conditions.
ONE_OF_EACH = [
    "pixelcnn_colour",
    "gated_classes",
    "plus_plus_colour",
    "rnn_diagonal_binary",
    "snail_grey",
]

# The same model for the same arguments, with what was compiled for it: for tests that leave its
# weights alone.
shared_model = functools.cache(randomized)
