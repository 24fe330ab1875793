"""Turn a checkpoint of the authors' PixelCNN++ code into a model folder.

    python scripts/convert_openai_pixelcnnpp.py --checkpoint params_cifar.ckpt \
        --output models/pixelcnnpp_cifar10_openai

The checkpoint is TensorFlow 1's (``.index`` and ``.data-...`` files, or one old file); the moving
averages of the weights are taken where it has them. Before anything is written, the outputs of
the converted model are compared with those of a second computation from the checkpoint's own
variables. The sizes of the network follow from the shapes.
"""

import pathlib

import numpy as np
from absl import app, flags

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Prefix of the checkpoint, such as params_cifar.ckpt.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "The model folder to write.", required=True)
_SIDE = flags.DEFINE_integer("side", 32, "Height and width of the images.", lower_bound=4)
_EMA = flags.DEFINE_bool("ema", True, "Take the moving averages of the weights where they are.")

_AVERAGE = "/ExponentialMovingAverage"


def read_variables(checkpoint: str, ema: bool = True) -> dict[str, np.ndarray]:
    """Read the weights of a checkpoint, or their moving averages.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it has no variables of a model, or averages of some weights only.
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(checkpoint)
        names = reader.get_variable_to_shape_map()
    except (ValueError, tf.errors.OpError):
        raise FileNotFoundError(
            f"{checkpoint} is no TensorFlow checkpoint: give the prefix that stands before "
            ".index and .data-00000-of-00001."
        ) from None
    plain = [name for name in names if name.startswith("model/") and not name.endswith(_AVERAGE)]
    # What the optimizer keeps beside a weight bears its name and one more part.
    plain = [name for name in plain if name.rpartition("/")[2] in ("V", "g", "b", "hw")]
    averaged = [name for name in plain if name + _AVERAGE in names]
    if not plain:
        raise ValueError(f"{checkpoint} holds no variables called model/...: is it PixelCNN++?")
    if ema and averaged and len(averaged) != len(plain):
        raise ValueError(f"{checkpoint} has averages of {len(averaged)} of {len(plain)} weights.")
    suffix = _AVERAGE if ema and averaged else ""
    return {name: reader.get_tensor(name + suffix) for name in plain}


def main(argv: list[str]) -> None:
    """Convert, compare, write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    from pixelcnnpp_folder import write_folder

    variables = read_variables(_CHECKPOINT.value, _EMA.value)
    folder = write_folder(
        variables,
        (_SIDE.value, _SIDE.value, 3),
        _OUTPUT.value,
        source="openai/pixel-cnn, a TensorFlow 1 checkpoint"
        + (" (moving averages of the weights)" if _EMA.value else ""),
        file=pathlib.Path(_CHECKPOINT.value).name,
    )
    print(f"Wrote {folder}.")


if __name__ == "__main__":
    app.run(main)
