"""States of streams hold the memory of any layer, not only that of dilated convolutions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import randomize_weights

from keras_ar.distributions import CategoricalLikelihood
from keras_ar.layers import CausalDilatedConv1D, PreviousCode, Recurrent
from keras_ar.models.sequence_model import SequenceModel
from keras_ar.serving.streams import Streams

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)
LEVELS = 5


def build(*layers) -> SequenceModel:
    codes = keras.Input((None,), dtype="int32", name="codes")
    hidden = keras.layers.Dense(4)(PreviousCode(LEVELS)(codes))
    for layer in layers:
        hidden = layer(hidden)
    outputs = keras.layers.Dense(LEVELS)(hidden)
    likelihood = CategoricalLikelihood(1, LEVELS)
    model = SequenceModel(codes, outputs, likelihood=likelihood, config={})
    randomize_weights(model, seed=1)
    return model


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def streams(request, dtype_policy) -> Streams:
    dtype_policy(request.param)
    convolutions = CausalDilatedConv1D(4, 3, dilation=2), CausalDilatedConv1D(4, 1)
    recurrences = Recurrent(6, "lstm"), Recurrent(3, "gru")
    return Streams(build(recurrences[0], convolutions[0], recurrences[1], convolutions[1]))


def tolerance() -> float:
    return 1e-5 if keras.config.dtype_policy().compute_dtype == "float32" else 0.05


def generate(streams, rows, noise):
    blank = tf.zeros(noise.shape[:2], "int32")
    heat = tf.ones((len(noise),))
    return streams.generate(rows, blank, blank > 0, tf.constant(noise), heat, [], [])


def test_a_row_has_a_number_for_all_that_a_sequence_needs(streams):
    lstm, convolution, gru = 2 * 6, 2 * 2 * 6, 3
    assert streams.states.size == 3 + lstm + convolution + gru
    begun = streams.begin(3)
    assert begun.shape == (3, streams.states.size)
    previous, position, _ = streams.states.unpack(begun)
    np.testing.assert_array_equal(previous, -1)
    np.testing.assert_array_equal(position, 0)
    np.testing.assert_array_equal(begun, tf.concat([begun[:1]] * 3, axis=0))


def test_parts_make_one_run_and_absorbing_it_leads_to_the_same_state(streams):
    noise = np.random.default_rng(0).random((2, 13, 1), "float32")
    whole, end = generate(streams, streams.begin(2), noise)
    rows, parts = streams.begin(2), []
    for part in (slice(0, 1), slice(1, 6), slice(6, 13)):
        codes, rows = generate(streams, rows, noise[:, part])
        parts.append(codes)
    np.testing.assert_array_equal(tf.concat(parts, axis=1), whole)
    np.testing.assert_array_equal(rows, end)
    rows = streams.begin(2)
    for part in (slice(0, 4), slice(4, 13)):
        rows = streams.absorb(rows, whole[:, part], [], [])
    np.testing.assert_allclose(rows, end, atol=tolerance())


def test_a_row_does_not_depend_on_what_is_beside_it(streams):
    noise = np.random.default_rng(1).random((1, 7, 1), "float32")
    _, later = generate(streams, streams.begin(1), noise)
    both = tf.concat([streams.begin(1), later], axis=0)
    codes, rows = generate(streams, both, np.concatenate([noise, noise]))
    for row, alone in enumerate((streams.begin(1), later)):
        wanted, state = generate(streams, alone, noise)
        np.testing.assert_array_equal(codes[row], wanted[0])
        np.testing.assert_allclose(rows[row], state[0], atol=tolerance())


@pytest.mark.parametrize("position", [0, 2**20 - 1, 2**20, 2**24 + 1, 2**35 + 12345])
def test_states_count_beyond_what_float32_counts(streams, position):
    previous, _, memory = streams.states.unpack(streams.begin(1))
    rows = streams.states.pack(previous, tf.constant([position], "int64"), memory)
    assert rows.dtype == "float32"
    assert streams.states.unpack(rows)[1].numpy() == [position]


def test_a_layer_that_counts_steps_for_all_sequences_at_once_is_refused():
    class Counter(keras.layers.Layer):
        def initial_state(self, batch_size, input_shape):
            return keras.ops.zeros(())

        def step(self, inputs, state):
            return inputs, state + 1.0

        def advance(self, inputs, state):
            return inputs, state + 1.0

        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="'counter' remembers a number that is common"):
        Streams(build(Counter(name="counter")))
