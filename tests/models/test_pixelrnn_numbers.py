"""Numbers of three other implementations, from their weights.

``pixelrnn_torchlake.npz``: gitE0Z9/pytorch-implementations, and float64 loops written from the
paper's equations. ``diagonal_bilstm_taimir.npz``: a network that taimir's Theano code (MIT licence,
(c) 2016 Atanas Mirchev) trained on binarized MNIST.

All three let the LSTM run over the corners that skewing adds to a map, where its input is zero,
before a row begins; with us every row begins with the learned state. ``CornersAsPixels`` makes
those corners a part of the image, so that our layers compute the same.
"""

import pathlib

import keras
import numpy as np
import pytest
from checks import to_numpy
from keras import ops

from keras_ar.layers import DiagonalBiLSTM, DiagonalRecurrence, MaskedConv2D, RowLSTM

_GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def torchlake():
    return np.load(_GOLDEN / "pixelrnn_torchlake.npz")


def channels_last(images):
    return np.moveaxis(images, 1, -1)


def kernel_of(weight):
    """Turn PyTorch's (out, in, rows, columns) into ours."""
    return np.transpose(weight, (2, 3, 1, 0))


def convolution(golden, name, features):
    return ops.conv(features, kernel_of(golden[f"{name}.weight"])) + golden[f"{name}.bias"]


def row_lstm(golden, name, filters, features):
    layer = RowLSTM(filters)
    layer.build(features.shape)
    layer.input_to_state.kernel.assign(kernel_of(golden[f"{name}.conv_is.weight"])[:, :2])
    layer.input_to_state.bias.assign(
        golden[f"{name}.conv_is.bias"] + golden[f"{name}.conv_ss.bias"]
    )
    layer.recurrence.cell.kernel.assign(kernel_of(golden[f"{name}.conv_ss.weight"])[0])
    return layer(features)


class CornersAsPixels:
    """An image with ``height - 1`` more columns on either side, and maps that say what is where.

    Three maps more: one inside the image, where input-to-state biases apply; and one for each
    direction where its first diagonal has not begun: there both gates that let something in or
    out are forced shut, so that state and memory are zero.
    """

    def __init__(self, features):
        _, height, width, _ = features.shape
        self.margin = height - 1
        row, column = np.indices((height, width + 2 * self.margin))
        is_inside = (column >= self.margin) & (column < self.margin + width)
        before_right = row + column < self.margin
        before_left = row + column.max() - column < self.margin
        marks = np.stack([is_inside, before_right, before_left], axis=-1).astype("float32")
        outer = ((0, 0), (0, 0), (self.margin, self.margin), (0, 0))
        marks = np.broadcast_to(marks, (len(features), *marks.shape))
        self.features = ops.concatenate([ops.pad(features, outer), marks], axis=-1)

    @staticmethod
    def kernel(weight, bias, direction):
        """Extend the input-to-state matrix of one direction by the rows of the three maps."""
        shut = np.repeat([-1e4, 0.0, -1e4, 0.0], len(bias) // 4)
        marks = [bias, *([shut, 0 * shut] if direction == "right" else [0 * shut, shut])]
        return np.concatenate([weight, marks]).astype("float32")[None, None]

    def crop(self, outputs):
        return outputs[:, :, self.margin : outputs.shape[2] - self.margin]


def diagonal_bilstm(features, directions):
    """Run the layer; ``directions``: input matrix and bias, state kernel and bias of either."""
    corners = CornersAsPixels(features)
    layer = DiagonalBiLSTM(len(directions[0][1]) // 4)
    layer.build(corners.features.shape)
    names, recurrences = ("right", "left"), (layer.to_right, layer.to_left)
    kernels = [
        CornersAsPixels.kernel(weight, bias, name)
        for name, (weight, bias, _, _) in zip(names, directions, strict=True)
    ]
    layer.input_to_state.kernel.assign(np.concatenate(kernels, axis=-1))
    layer.input_to_state.bias.assign(np.concatenate([bias for *_, bias in directions]))
    for recurrence, (_, _, kernel, _) in zip(recurrences, directions, strict=True):
        recurrence.cell.kernel.assign(kernel)
    return corners.crop(layer(corners.features))


def torchlake_direction(golden, name):
    state = kernel_of(golden[f"{name}.conv_ss.weight"])[:, 0]
    weight = kernel_of(golden[f"{name}.conv_is.weight"])[0, 0]
    return weight, golden[f"{name}.conv_is.bias"], state, golden[f"{name}.conv_ss.bias"]


def test_a_row_lstm_equals_that_of_torchlake(torchlake):
    golden = {key.replace("row/", "row."): torchlake[key] for key in torchlake.files}
    found = row_lstm(golden, "row", 6, channels_last(torchlake["x_nchw"]))
    np.testing.assert_allclose(
        to_numpy(found), channels_last(torchlake["row/out_nchw"]), atol=1e-5, rtol=0
    )


def test_a_network_of_row_lstms_equals_that_of_torchlake(torchlake):
    golden = {key.removeprefix("rownet/"): torchlake[key] for key in torchlake.files}
    images = channels_last(golden["x_nchw"])
    stem = MaskedConv2D(16, 7, "A")
    stem.build(images.shape)
    stem.kernel.assign(kernel_of(golden["foot.0.weight"])[:4])
    stem.bias.assign(golden["foot.0.bias"])
    features = stem(images)
    for block in ("blocks.0.block", "blocks.1.block"):
        hidden = row_lstm(golden, f"{block}.0", 8, features)
        features = ops.relu(convolution(golden, f"{block}.1", hidden) + features)
    for name in ("neck.1", "neck.3"):
        features = convolution(golden, name, ops.relu(features))
    found = convolution(golden, "head.0", features)
    np.testing.assert_allclose(
        to_numpy(found), channels_last(golden["logits"][:, 0]), atol=1e-5, rtol=0
    )


def test_a_diagonal_lstm_equals_that_of_torchlake(torchlake):
    weight, bias, kernel, state_bias = torchlake_direction(torchlake, "diag/lstm_l")
    corners = CornersAsPixels(channels_last(torchlake["x_nchw"]))
    gates = ops.conv(corners.features, CornersAsPixels.kernel(weight, bias, "right")) + state_bias
    layer = DiagonalRecurrence(6)
    layer.build(gates.shape)
    layer.cell.kernel.assign(kernel)
    np.testing.assert_allclose(
        to_numpy(corners.crop(layer(gates))),
        channels_last(torchlake["diag/out_nchw"]),
        atol=1e-5,
        rtol=0,
    )


def test_a_diagonal_bilstm_equals_the_loops_written_from_the_paper(torchlake):
    directions = [
        torchlake_direction(torchlake, f"bidiag_numpy_paper/lstm_{side}") for side in "lr"
    ]
    found = diagonal_bilstm(channels_last(torchlake["x_nchw"]), directions)
    np.testing.assert_allclose(
        to_numpy(found), channels_last(torchlake["bidiag_numpy_paper/out_nchw"]), atol=1e-5, rtol=0
    )


def test_a_trained_network_gives_the_nats_of_taimir():
    golden = np.load(_GOLDEN / "diagonal_bilstm_taimir.npz")
    weights = iter([golden[f"arr_{index:02d}"] for index in range(24)])
    images = golden["images"].astype("float32")

    def in_our_order(values):
        """From output, forget, input gate and candidate to input, forget, output, candidate."""
        output, forget, entry, candidate = np.split(values, 4, axis=-1)
        return np.concatenate([entry, forget, output, candidate], axis=-1)

    def direction():
        weight, bias, state, state_bias = (next(weights) for _ in range(4))
        return (
            in_our_order(kernel_of(weight)[0, 0]),
            in_our_order(bias),
            in_our_order(np.transpose(state, (2, 1, 0))),
            np.repeat(state_bias, len(bias)),
        )

    stem = MaskedConv2D(64, 7, "A")
    stem.build(images.shape)
    stem.kernel.assign(kernel_of(next(weights))[:4])
    stem.bias.assign(next(weights))
    features = stem(images)
    for _ in range(2):
        features = features + diagonal_bilstm(features, [direction(), direction()])
    for index in range(3):
        features = ops.relu(features) if index else features
        features = ops.conv(features, kernel_of(next(weights))) + next(weights)
    np.testing.assert_allclose(
        to_numpy(keras.activations.sigmoid(features))[:2], golden["probabilities"], atol=1e-5
    )
    log_prob = ops.where(images > 0, ops.log_sigmoid(features), ops.log_sigmoid(-features))
    np.testing.assert_allclose(
        -to_numpy(ops.sum(log_prob, axis=(1, 2, 3))), golden["nats"], rtol=1e-5
    )
