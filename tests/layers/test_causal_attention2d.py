"""Attention in raster order: against loops in float64, step by step, and what it refuses."""

import keras
import numpy as np
import pytest
from checks import (
    check_pixel_steps_equal_call,
    check_row_steps_equal_call,
    check_two_executions_agree,
    to_numpy,
)
from keras import ops

import keras_ar
from keras_ar.layers import CausalAttention2D, MaskedConv2D, PixelPositions, PixelScaling

KEYS, VALUES = 3, 4


def attention_by_loops(queries, keys_values, num_heads):
    """Attend as the paper's formula says, pixel by pixel and head by head."""
    batch, height, width, _ = queries.shape
    outputs = np.zeros((batch, height * width, num_heads, VALUES))
    asked = queries.reshape(batch, -1, num_heads, KEYS).astype("float64")
    keys, values = np.split(keys_values.astype("float64"), [num_heads * KEYS], axis=-1)
    keys = keys.reshape(batch, -1, num_heads, KEYS)
    values = values.reshape(batch, -1, num_heads, VALUES)
    for image, place, head in np.ndindex(batch, height * width, num_heads):
        weights = [
            np.exp(asked[image, place, head] @ keys[image, earlier, head] / np.sqrt(KEYS))
            for earlier in range(place)
        ]
        for earlier, weight in enumerate(weights):
            share = weight / sum(weights)
            outputs[image, place, head] += share * values[image, earlier, head]
    return outputs.reshape(batch, height, width, -1)


def random_inputs(num_heads=1, size=(4, 3), scale=1.0):
    rng = np.random.default_rng(0)
    channels = (num_heads * KEYS, num_heads * (KEYS + VALUES))
    return [rng.normal(scale=scale, size=(2, *size, n)).astype("float32") for n in channels]


class Joined(CausalAttention2D):
    """The same, with queries, keys and values in one map, as the checks hand them over."""

    def build(self, input_shape):
        super().build((*input_shape[:-1], KEYS), (*input_shape[:-1], input_shape[-1] - KEYS))
        self.input_spec = None

    def call(self, inputs):
        return super().call(*self._parts(inputs))

    def step(self, inputs, state):
        return super().step(self._parts(inputs), state)

    def enter_row(self, state):
        ahead, step_pixel = super().enter_row(state)
        return ahead, lambda inputs, *rest: step_pixel(self._parts(inputs), *rest)

    def leave_row(self, inputs, state):
        is_joined = not isinstance(inputs, list)
        return super().leave_row(self._parts(inputs) if is_joined else inputs, state)

    def state_after(self, inputs, rows):
        return super().state_after(self._parts(inputs), rows)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], VALUES)

    def _parts(self, inputs):
        return [inputs[..., :KEYS], inputs[..., KEYS:]]


@pytest.mark.parametrize("num_heads", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_it_is_the_attention_of_the_paper(num_heads, scale):
    inputs = random_inputs(num_heads, scale=scale)
    found = to_numpy(CausalAttention2D(num_heads)(*inputs))
    wanted = attention_by_loops(*inputs, num_heads)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5 * scale**2)
    assert not found[:, 0, 0].any()
    np.testing.assert_allclose(found[:, 0, 1], inputs[1][:, 0, 0, num_heads * KEYS :], rtol=1e-5)


def test_steps_over_rows_and_pixels_equal_call():
    inputs = np.concatenate(random_inputs(), axis=-1)
    layer = Joined()
    check_row_steps_equal_call(layer, inputs)
    check_pixel_steps_equal_call(layer, inputs)


def test_a_pixel_hears_of_every_earlier_one_and_of_no_other():
    queries, keys_values = random_inputs()
    layer = CausalAttention2D()
    before = to_numpy(layer(queries, keys_values)).reshape(2, 12, -1)
    for place in range(12):
        other = keys_values.copy().reshape(2, 12, -1)
        other[:, place] += 1.0
        after = to_numpy(layer(queries, other.reshape(keys_values.shape))).reshape(2, 12, -1)
        is_moved = np.any(before != after, axis=(0, 2))
        np.testing.assert_array_equal(np.flatnonzero(is_moved), np.arange(place + 1, 12))


def test_half_precision_weighs_in_single():
    queries, keys_values = random_inputs(size=(16, 16), scale=3.0)
    layer = CausalAttention2D(dtype="mixed_bfloat16")
    found = layer(queries, keys_values)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    wanted = attention_by_loops(queries, keys_values, 1)
    assert np.abs(to_numpy(found) - wanted).mean() < 0.02 * np.abs(wanted).mean()


@pytest.mark.parametrize(
    ("num_heads", "channels", "message"),
    [
        (2, (3, 8), "2 heads take queries of num_heads"),
        (2, (4, 9), "got 4 and 9"),
        (1, (4, 4), "got 4 and 4"),
    ],
)
def test_channels_that_do_not_fit_are_refused(num_heads, channels, message):
    with pytest.raises(ValueError, match=message):
        CausalAttention2D(num_heads).build(*((None, 4, 3, n) for n in channels))


def test_heads_must_be_positive():
    with pytest.raises(ValueError, match="num_heads must be positive; got 0"):
        CausalAttention2D(0)


def test_positions_are_those_of_the_authors_and_steps_equal_call():
    inputs = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    layer = PixelPositions()
    check_row_steps_equal_call(layer, inputs)
    found = to_numpy(layer(inputs))
    assert found.shape == (2, 4, 5, 6)
    for row, column in np.ndindex(4, 5):
        np.testing.assert_allclose(found[:, row, column, :3], (row - 2.0) / 4.0, atol=1e-6)
        np.testing.assert_allclose(found[:, row, column, 3:], (column - 2.5) / 5.0, atol=1e-6)


def network(make_queries, groups):
    """Attend from ``make_queries`` of the pixels to the pixels, coloured or not."""
    images = keras.Input((3, 4, groups), dtype="int32")
    scaled = PixelScaling(4)(images)
    width = 6
    left = MaskedConv2D(width, 3, "A", groups)(scaled)
    memory = keras.layers.Dense(width + 6)(scaled)
    mixed = CausalAttention2D()(make_queries(scaled, left, width, groups), memory)
    hidden = MaskedConv2D(12, 1, "B", groups)(ops.concatenate([left, mixed], axis=-1))
    return keras_ar.AutoregressiveModel(
        images,
        MaskedConv2D(4 * groups, 1, "B", groups, dtype="float32")(hidden),
        likelihood=keras_ar.distributions.CategoricalLikelihood(groups, 4),
        config={"image_shape": (3, 4, groups)},
    )


QUERIES = {
    "of_the_past": (lambda scaled, left, width, groups: left, 1),
    "of_finished_rows": (
        lambda scaled, left, width, groups: keras.layers.Dense(width)(PixelPositions()(scaled)),
        1,
    ),
    "of_the_colours_before": (lambda scaled, left, width, groups: left, 3),
}


@pytest.mark.parametrize("make_queries", QUERIES)
def test_any_network_of_it_samples_step_by_step(make_queries):
    check_two_executions_agree(network(*QUERIES[make_queries]))


def test_queries_that_know_the_pixel_are_refused():
    model = network(lambda scaled, left, width, groups: keras.layers.Dense(width)(scaled), 1)
    with pytest.raises(ValueError, match="depend on the pixel itself"):
        model.sample(1, seed=0, verbose=False)
