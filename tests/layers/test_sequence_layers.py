"""Layers of sequences without a memory of their own: what they show, and from when."""

import keras
import numpy as np
import pytest
from checks import to_numpy

from keras_ar.layers import CutToLength, GatedResidualBlock1D, PreviousCode, UpsampleFrames

CODES = np.array([[0, 2, 1, 2], [1, 0, -1, -1]], "int32")


def test_one_hot_codes_are_seen_one_step_later_and_nothing_before_or_behind():
    layer = PreviousCode(3)
    seen = to_numpy(layer(CODES))
    np.testing.assert_array_equal(seen[:, 0], 0.0)
    np.testing.assert_array_equal(seen[0, 1:], np.eye(3)[[0, 2, 1]])
    np.testing.assert_array_equal(seen[1, 1:], [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(to_numpy(layer.encode(CODES))[:, :-1], seen[:, 1:])


def test_scaled_codes_run_from_minus_one_to_one_and_nothing_is_zero():
    seen = to_numpy(PreviousCode(3, "scaled")(CODES))
    np.testing.assert_array_equal(seen[..., 0], [[0, -1, 1, 0], [0, 0, -1, 0]])


@pytest.mark.parametrize("encoding", ["one_hot", "scaled"])
def test_the_shape_of_what_is_seen_is_known_beforehand(encoding):
    layer = PreviousCode(5, encoding)
    symbolic = layer(keras.Input((None,), dtype="int32"))
    assert tuple(symbolic.shape) == (None, None, to_numpy(layer(CODES)).shape[-1])
    assert PreviousCode.from_config(layer.get_config()).get_config() == layer.get_config()


def test_frames_begin_as_repetitions_and_depend_on_themselves_alone():
    frames = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    layer = UpsampleFrames((2, 3))
    np.testing.assert_allclose(to_numpy(layer(frames)), np.repeat(frames, 6, axis=1), atol=1e-6)
    for weight in layer.weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    other = frames.copy()
    other[:, 1] += 1.0
    moved = np.any(to_numpy(layer(frames)) != to_numpy(layer(other)), axis=(0, 2))
    np.testing.assert_array_equal(np.flatnonzero(moved), np.arange(6, 12))
    assert layer.compute_output_shape((2, 3, 4)) == (2, 18, 4)
    np.testing.assert_array_equal(
        to_numpy(CutToLength()(layer(frames), np.zeros((2, 13, 1)))),
        to_numpy(layer(frames))[:, :13],
    )


def test_a_gated_block_computes_the_equations_of_the_paper():
    rng = np.random.default_rng(0)
    inputs, condition, features = (
        rng.normal(size=shape).astype("float32") for shape in ((2, 6, 3), (2, 1, 4), (2, 6, 2))
    )
    block = GatedResidualBlock1D(5, 2, dilation=2)
    block(inputs, condition, features)
    for weight in block.weights:
        weight.assign(rng.normal(size=weight.shape))
    kernel, bias = to_numpy(block.conv.kernel), to_numpy(block.conv.bias)
    earlier = np.pad(inputs, [(0, 0), (2, 0), (0, 0)])[:, :6]
    gates = earlier @ kernel[0] + inputs @ kernel[1] + bias
    gates += condition @ to_numpy(block.condition.kernel)
    gates += features @ to_numpy(block.features.kernel)
    gated = np.tanh(gates[..., :5]) / (1.0 + np.exp(-gates[..., 5:]))
    residual = gated @ to_numpy(block.residual.kernel) + to_numpy(block.residual.bias)
    outputs, skip = map(to_numpy, block(inputs, condition, features))
    np.testing.assert_allclose(skip, gated, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs, inputs + residual, rtol=1e-4, atol=1e-5)
    shapes = block.compute_output_shape(inputs.shape)
    assert shapes == (outputs.shape, skip.shape)
    assert GatedResidualBlock1D.from_config(block.get_config()).get_config() == block.get_config()


def test_the_last_block_passes_its_input_through():
    inputs = np.ones((1, 2, 3), "float32")
    outputs, _ = GatedResidualBlock1D(5, has_residual=False)(inputs)
    np.testing.assert_array_equal(to_numpy(outputs), inputs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PreviousCode(1), "vocabulary_size must be at least 2"),
        (lambda: PreviousCode(3, "binary"), "encoding must be one of"),
        (lambda: UpsampleFrames(()), "at least one"),
        (lambda: UpsampleFrames((2, 1.5)), "positive integers"),
    ],
)
def test_impossible_layers_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
