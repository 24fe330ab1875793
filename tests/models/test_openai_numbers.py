"""Numbers of the authors' PixelCNN++ code: their weights, their outputs, their loss."""

from pathlib import Path

import numpy as np
import pytest
from checks import parameters, to_numpy
from openai_weights import assign_openai_weights, output_order

from keras_ar.models import PixelCNNPP

_GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pixelcnnpp_openai", {"num_blocks": 1}),
        # The converter's tests take the same weights by another way.
        pytest.param(
            "pixelcnnpp_classes_openai",
            {"num_blocks": 2, "num_classes": 10},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_authors_weights_give_the_authors_outputs_and_loss(name, options):
    golden = np.load(_GOLDEN / f"{name}.npz")
    shapes = [tuple(int(n) for n in text.split(",")) for text in golden["variable_shapes"]]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    variables = {
        str(variable): part.reshape(shape)
        for variable, part, shape in zip(
            golden["variable_names"], np.split(golden["variables"], ends[:-1]), shapes, strict=True
        )
    }
    images = golden["image"]
    labels = golden["label"].astype("int32") if "label" in golden else None
    model = PixelCNNPP(images.shape[1:], filters=16, num_mixtures=3, **options)
    assign_openai_weights(model, variables, options["num_blocks"], mixtures=3)

    first_label = None if labels is None else labels[:1]
    outputs = parameters(model, images[:1], first_label)
    np.testing.assert_allclose(outputs, golden["outputs"][..., output_order(3)], atol=1e-4)
    # Their loss approximates the tails; ours is exact.
    nats = -to_numpy(model.log_prob(images, labels))
    np.testing.assert_allclose(nats, golden["loss_each"], rtol=1e-4)
    bits = to_numpy(model.bits_per_dim(images, labels)).mean()
    assert bits == pytest.approx(golden["bits_per_dim"], rel=1e-4)
