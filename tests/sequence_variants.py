"""Small models of sequences of every kind, by name; few enough codes to write down every sequence.

Five codes are fewer than most receptive fields: tests that look beyond take longer sequences.
"""

import pytest
from checks import conditions_of, random_condition, random_images, to_numpy
from marks import marked

from keras_ar.models import CharRNN, TemporalConvNet, WaveNet

_WAVENET = {"layers_per_stack": 2, "filters": 5, "gate_filters": 6, "skip_filters": 7}
_GLOBAL = {"vocabulary_size": 3, "num_stacks": 1, **_WAVENET}

SEQUENCE_VARIANTS = {
    "char_rnn_lstm": lambda: CharRNN(3, units=6),
    "char_rnn_gru": lambda: CharRNN(3, cell="gru", num_layers=1, units=6, dropout=0.2),
    "temporal_conv_net": lambda: TemporalConvNet(
        3, num_blocks=2, kernel_size=2, filters=6, dropout=0.2
    ),
    "wavenet_codes": lambda: WaveNet(3, num_stacks=2, dropout=0.2, **_WAVENET),
    "wavenet_mixture": lambda: WaveNet(4, num_stacks=1, kernel_size=3, num_mixtures=2, **_WAVENET),
    "wavenet_classes": lambda: WaveNet(num_classes=3, **_GLOBAL),
    "wavenet_two_kinds": lambda: WaveNet(num_classes=(3, 2), **_GLOBAL),
    "wavenet_embedding": lambda: WaveNet(condition_shape=(2,), **_GLOBAL),
    "wavenet_features": lambda: WaveNet(num_features=2, upsampling=(2, 1), **_GLOBAL),
    "wavenet_both": lambda: WaveNet(num_classes=3, num_features=2, upsampling=(3,), **_GLOBAL),
}

# Another cell, and conditions that enter as those of others do: only with -m slow.
_SLOW = {
    "char_rnn_gru",
    "wavenet_classes",
    "wavenet_embedding",
    "wavenet_features",
    "wavenet_two_kinds",
}
every_sequence_variant = pytest.mark.parametrize(
    "build", marked(SEQUENCE_VARIANTS, slow=_SLOW, of=SEQUENCE_VARIANTS)
)
UNCONDITIONAL = ["char_rnn_lstm", "char_rnn_gru", "temporal_conv_net", "wavenet_mixture"]
SEQUENCE_ONE_OF_EACH = ["char_rnn_lstm", "temporal_conv_net", "wavenet_both"]
SEQUENCE_KINDS = marked(["char_rnn_gru", *SEQUENCE_ONE_OF_EACH], fast=SEQUENCE_ONE_OF_EACH)


# Longer than every receptive field here.
LENGTH = 14


def sequences_and_condition(model, count, length=LENGTH):
    return random_images(model, count, length=length), random_condition(model, count, length=length)


def log_prob(model, given=None):
    # Without compilation, which takes longer than everything else here.
    sequences, condition = given or sequences_and_condition(model, 3)
    return to_numpy(model.log_prob_graph(sequences, *conditions_of(condition)))


def one_condition(model, seed: int = 0, length: int = 5):
    """Return a condition for all sequences alike."""
    parts = tuple(x[0] for x in conditions_of(random_condition(model, 1, seed, length)))
    return parts if len(parts) > 1 else parts[0] if parts else None
