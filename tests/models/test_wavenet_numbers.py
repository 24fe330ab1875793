"""Numbers of an independent WaveNet: its weights, its logits."""

from pathlib import Path

import numpy as np
import pytest
from checks import to_numpy

from keras_ar.models import WaveNet

_GOLDEN = Path(__file__).parents[1] / "golden"


def test_the_receptive_field_is_that_of_tensorflow_wavenet():
    golden = np.load(_GOLDEN / "wavenet_ibab.npz")
    model = WaveNet(32, num_stacks=2, layers_per_stack=4)
    assert model.receptive_field == int(golden["plain/receptive_field"])


@pytest.mark.parametrize("case", ["plain", "global"])
def test_wavenet_gives_the_logits_of_tensorflow_wavenet(case):
    """Made by ibab/tensorflow-wavenet on TensorFlow 1.15."""
    golden = np.load(_GOLDEN / "wavenet_ibab.npz")

    def weight(name):
        return golden[f"{case}/var/wavenet/{name}"]

    model = WaveNet(
        32,
        num_stacks=2,
        layers_per_stack=4,
        filters=12,
        gate_filters=16,
        skip_filters=24,
        num_classes=5 if case == "global" else None,
    )
    model.get_layer("causal").kernel.assign(weight("causal_layer/filter"))
    for number in range(8):
        block = model.get_layer(f"block_{number // 4}_{number % 4}")
        layer = f"dilated_stack/layer{number}"
        both = [weight(f"{layer}/{half}") for half in ("filter", "gate")]
        block.conv.kernel.assign(np.concatenate(both, axis=-1))
        both = [weight(f"{layer}/{half}") for half in ("Variable", "Variable_1")]
        block.conv.bias.assign(np.concatenate(both))
        if block.has_residual:
            block.residual.kernel.assign(weight(f"{layer}/dense")[0])
            block.residual.bias.assign(weight(f"{layer}/Variable_2"))
        if case == "global":
            # Their classes are embedded once for all layers.
            both = [weight(f"{layer}/{half}")[0] for half in ("gc_filter", "gc_gate")]
            embedding = weight("embeddings/gc_embedding")
            block.condition.kernel.assign(embedding @ np.concatenate(both, axis=-1))
    layers = [f"dilated_stack/layer{number}" for number in range(8)]
    skip, head, outputs = (model.get_layer(name) for name in ("skip", "head", "outputs"))
    skip.kernel.assign(np.concatenate([weight(f"{layer}/skip")[0] for layer in layers]))
    skip.bias.assign(sum(weight(f"{layer}/Variable_3") for layer in layers))
    head.kernel.assign(weight("postprocessing/postprocess1")[0])
    head.bias.assign(weight("postprocessing/Variable"))
    outputs.kernel.assign(weight("postprocessing/postprocess2")[0])
    outputs.bias.assign(weight("postprocessing/Variable_1"))

    # Their last logits are of a code behind the end.
    codes = np.pad(golden[f"{case}/codes"].astype("int32"), [(0, 0), (0, 1)])
    inputs = codes if case == "plain" else [codes, golden["global/condition_ids"].astype("int32")]
    found = to_numpy(model(inputs))[:, model.receptive_field :]
    np.testing.assert_allclose(found, golden[f"{case}/logits"], rtol=1e-4, atol=1e-4)
