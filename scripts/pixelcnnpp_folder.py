"""Build a PixelCNNPP from weights of another code, prove it, and write its folder."""

import os
import pathlib
from collections.abc import Mapping

import numpy as np
from pixelcnnpp_checkpoint import assign_weights, find_sizes, output_order, reference_outputs

__all__ = ["build_model", "write_folder"]

_TOLERANCE = 1e-3


def build_model(variables: Mapping[str, np.ndarray], image_shape: tuple[int, int, int]):
    """Return the model, after comparing its outputs with those of a second computation.

    Raises:
        ValueError: If the variables are no PixelCNN++.
        ArithmeticError: If the outputs differ.
    """
    import keras

    import keras_ar

    sizes = find_sizes(variables, image_shape[-1])
    model = keras_ar.PixelCNNPP(image_shape, **sizes)
    assign_weights(model, variables, sizes["num_blocks"], sizes["num_mixtures"])
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, *image_shape), dtype=np.uint8)
    classes = None
    if sizes["num_classes"]:
        classes = random.integers(0, sizes["num_classes"], 2).astype("int32")
    ours = model([images, classes] if classes is not None else images, training=False)
    theirs = reference_outputs(variables, images, classes)
    theirs = theirs[..., output_order(sizes["num_mixtures"], image_shape[-1])]
    difference = float(np.max(np.abs(keras.ops.convert_to_numpy(ours) - theirs)))
    # Relative to the outputs: means and logits of a trained network reach tens.
    if not difference <= _TOLERANCE * max(1.0, float(np.max(np.abs(theirs)))):
        raise ArithmeticError(
            f"The converted model's outputs differ by {difference:.2g} from those of the "
            "checkpoint's own variables: nothing was written."
        )
    return model


def write_folder(
    variables: Mapping[str, np.ndarray],
    image_shape: tuple[int, int, int],
    output: str | os.PathLike,
    *,
    source: str,
    file: str,
) -> pathlib.Path:
    """Convert, compare and write a model folder with golden outputs and a card.

    Raises:
        ValueError: If the variables are no PixelCNN++.
        ArithmeticError: If the outputs differ.
    """
    import keras_ar

    model = build_model(variables, image_shape)
    facts = {"variant": pathlib.Path(output).name, "converted_from": {"code": source, "file": file}}
    folder = keras_ar.zoo.save(model, output, metadata=facts)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (2, *image_shape), dtype=np.uint8)
    classes = np.zeros(2, "int32") if model.num_classes else None
    keras_ar.zoo.write_golden(keras_ar.zoo.load(folder), folder, images, classes)
    keras_ar.zoo.write_own_card(
        folder,
        summary=f"PixelCNN++ (arXiv:1701.05517), converted from {source}, file `{file}`.",
        license="other",
        limits="The weights were trained by others: their licence and their numbers are those of "
        "their source. Evaluate the model before quoting a result.",
    )
    return folder
