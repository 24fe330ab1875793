"""Numbers of independent implementations of MADE and NADE: their weights, their outputs."""

from pathlib import Path

import numpy as np
import pytest
from checks import to_numpy
from keras import ops

from keras_ar.models import MADE, NADE

_GOLDEN = Path(__file__).parents[1] / "golden"


def order_of_karpathy(golden, name) -> np.ndarray:
    # Their degrees count from 0 and their ``order`` is the degree of every input.
    return golden[f"{name}/order"].astype("int32") + 1


@pytest.mark.parametrize(("name", "hidden"), [("natural", 2), ("permuted", 2), ("categorical", 1)])
def test_made_gives_the_outputs_and_masks_of_pytorch_made(name, hidden):
    """Made by karpathy/pytorch-made."""
    golden = np.load(_GOLDEN / "made_karpathy.npz")
    kernels = [golden[f"{name}/kernel_{index}"] for index in range(hidden + 1)]
    size, levels = len(kernels[0]), kernels[-1].shape[1] // len(kernels[0])
    model = MADE(
        size,
        levels=2 if levels == 1 else levels,
        units=[kernel.shape[1] for kernel in kernels[:-1]],
        has_direct=False,
    )
    order = order_of_karpathy(golden, name)
    degrees = [order, *(golden[f"{name}/degrees_{index}"] + 1 for index in range(hidden))]
    # They name the parameters of all values one after the other, we those of each value.
    columns = np.arange(size * levels).reshape(levels, size).T.ravel()
    degrees.append(np.repeat(order, levels))
    names = [*(f"hidden_{index}" for index in range(hidden)), "output"]
    for index, layer_name in enumerate(names):
        layer = model.get_layer(layer_name)
        is_last = layer_name == "output"
        chosen = columns if is_last else slice(None)
        layer.kernel.assign(kernels[index][:, chosen])
        layer.bias.assign(golden[f"{name}/bias_{index}"][chosen])
        layer.in_degrees.assign(degrees[index][None])
        layer.out_degrees.assign(degrees[index + 1][None])
        mask = golden[f"{name}/mask_{index}"][:, chosen]
        layer_mask = to_numpy(layer.masked_kernel()) != 0.0
        assert np.array_equal(layer_mask, mask.astype(bool) & (kernels[index][:, chosen] != 0.0))
    inputs = golden[f"{name}/x"]
    wanted = golden[f"{name}/outputs"][:, columns].reshape(len(inputs), size, levels)
    # Through the layers, for their inputs need not be binary.
    hidden_units = ops.convert_to_tensor(inputs)
    for layer_name in names[:-1]:
        hidden_units = ops.relu(model.get_layer(layer_name)(hidden_units))
    found = to_numpy(model.get_layer("output")(hidden_units)).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_nade_gives_the_probabilities_and_nats_of_pytorch_generative():
    """Made by pytorch-generative."""
    golden = np.load(_GOLDEN / "nade_ptgen.npz")
    model = NADE((28, 28, 1), units=24, activation="relu")
    layer = model.get_layer("nade")
    layer.kernel.assign(golden["w/_in_W"].T)
    layer.hidden_bias.assign(golden["w/_in_b"])
    layer.output_kernel.assign(golden["w/_h_W"])
    layer.output_bias.assign(golden["w/_h_b"][:, None])
    images = golden["x"].transpose(0, 2, 3, 1).astype("uint8")
    np.testing.assert_array_equal(images, golden["x"].transpose(0, 2, 3, 1))
    found = to_numpy(ops.sigmoid(model(ops.convert_to_tensor(images))))
    np.testing.assert_allclose(found, golden["out"].transpose(0, 2, 3, 1), atol=1e-5)
    nats = -to_numpy(model.log_prob(images))
    np.testing.assert_allclose(nats, golden["nll_per_image"], rtol=1e-5)
