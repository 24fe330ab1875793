"""The whole network of PixelSNAIL against one written again, in NumPy and float64."""

import numpy as np
import pytest
from checks import parameters, random_images, randomized, to_numpy

from keras_ar.models import PixelSNAIL

SIZES = {"filters": 4, "num_blocks": 2, "num_residual_blocks": 2, "num_mixtures": 2}


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


ACTIVATIONS = {
    "elu": elu,
    "concat_elu": lambda x: np.concatenate([elu(x), elu(-x)], axis=-1),
}


def convolve(layer, x):
    """Sum over the taps: rows above, columns to the left or, downwards, on both sides."""
    kernel = to_numpy(layer.effective_kernel).astype("float64")
    height, width = kernel.shape[:2]
    left, right = (width // 2, width // 2) if layer.reach == "down" else (width - 1, 0)
    padded = np.pad(x, ((0, 0), (height - 1, 0), (left, right), (0, 0)))
    rows, columns = x.shape[1:3]
    outputs = np.zeros((*x.shape[:3], kernel.shape[-1])) + to_numpy(layer.bias)
    for row, column in np.ndindex(height, width):
        outputs += padded[:, row : row + rows, column : column + columns] @ kernel[row, column]
    return outputs


def residual(layer, x, activation, auxiliary=None):
    hidden = convolve(layer.first, activation(x))
    if auxiliary is not None:
        hidden = hidden + convolve(layer.merge, activation(auxiliary))
    values, gate = np.split(convolve(layer.second, activation(hidden)), 2, axis=-1)
    return x + values / (1 + np.exp(-gate))


def attend(queries, keys, values):
    shape, pixels = values.shape, values.shape[1] * values.shape[2]
    queries, keys, values = (x.reshape(len(x), pixels, -1) for x in (queries, keys, values))
    weights = np.exp(np.einsum("bqc,bkc->bqk", queries, keys) / np.sqrt(keys.shape[-1]))
    weights *= np.tri(pixels, k=-1)
    return (weights / (weights.sum(-1, keepdims=True) + 1e-12) @ values).reshape(shape)


def network(model, images, activation):
    get, config = model.get_layer, model.get_config()
    height, width = images.shape[1:3]
    x = images * 2.0 / (config["levels"] - 1) - 1.0
    down = np.broadcast_to(np.arange(height)[:, None, None] / height - 0.5, x.shape)
    right = np.broadcast_to(np.arange(width)[None, :, None] / width - 0.5, x.shape)
    places = np.concatenate([down, right], axis=-1)
    padded = np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)
    above = np.pad(convolve(get("first_above"), padded), ((0, 0), (1, 0), (0, 0), (0, 0)))
    left = np.pad(convolve(get("first_left"), padded), ((0, 0), (0, 0), (1, 0), (0, 0)))
    h = above[:, :-1] + left[:, :, :-1]
    for i in range(config["num_blocks"]):
        for j in range(config["num_residual_blocks"]):
            h = residual(get(f"block_{i}_{j}"), h, activation)
        known = residual(get(f"known_{i}"), np.concatenate([x, h, places], axis=-1), activation)
        asked = residual(get(f"asked_{i}"), np.concatenate([h, places], axis=-1), activation)
        memory = convolve(get(f"keys_values_{i}"), known)
        keys, values = np.split(memory, [config["key_filters"]], axis=-1)
        mixed = attend(convolve(get(f"queries_{i}"), asked), keys, values)
        h = residual(get(f"mixed_{i}"), h, activation, mixed)
    return convolve(get("head"), elu(h))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_are_those_of_the_network_in_numpy(activation):
    model = randomized(
        lambda: PixelSNAIL((4, 5, 3), key_filters=3, activation=activation, **SIZES), scale=0.5
    )
    images = random_images(model, 2)
    wanted = network(model, images.astype("float64"), ACTIVATIONS[activation])
    np.testing.assert_allclose(parameters(model, images), wanted, rtol=1e-4, atol=1e-4)
    assert np.ptp(wanted) > 1.0


def test_values_take_half_the_filters_by_default():
    model = PixelSNAIL((3, 3, 1), **SIZES)
    assert model.get_config()["value_filters"] == 2
    assert model.get_layer("keys_values_0").filters == 16 + 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"condition_shape": (3, 3, 1)}, "not a spatial map"),
        ({"num_heads": 3}, "3 heads take queries"),
        ({"activation": "relu"}, r"activation must be one of \['concat_elu', 'elu'\]"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PixelSNAIL((3, 3, 1), **SIZES, **options)
