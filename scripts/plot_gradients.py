"""Draw what the image models of the zoo look at: the gradient of one output by the input.

    python scripts/plot_gradients.py --dataset binarized_mnist

One panel per variant: the mean absolute derivative of the middle pixel's first parameter, at test
images, on a logarithmic scale. Pixels that cannot matter stay white.
"""

import math
import pathlib

from absl import app, flags, logging

_DATASET = flags.DEFINE_string("dataset", "binarized_mnist", "Variants of this data set.")
_IMAGES = flags.DEFINE_integer("images", 32, "Test images to average over.", lower_bound=1)
_OUTPUT = flags.DEFINE_string(
    "output",
    str(pathlib.Path(__file__).resolve().parents[1] / "docs" / "images" / "gradients.png"),
    "The picture to write.",
)


def main(argv: list[str]) -> None:
    """Draw one panel per variant."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    logging.set_verbosity(logging.INFO)
    import numpy as np
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    import keras_ar
    from keras_ar.data import load_images
    from keras_ar.receptive_field import watched_pixel
    from keras_ar.training import read_recipe

    models = {
        name: keras_ar.zoo.load(name)
        for name in keras_ar.zoo.list()
        if read_recipe(keras_ar.zoo.find_folder(name)).data.name == _DATASET.value
    }
    # What depends on a condition or on latents has no single picture.
    models = {name: x for name, x in models.items() if x.is_exact and not x.is_conditional}
    images = load_images(_DATASET.value, "test", limit=_IMAGES.value)
    columns = min(len(models), 4)
    rows = math.ceil(len(models) / columns)
    figure = Figure(figsize=(3 * columns, 3.2 * rows), layout="constrained")
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, model) in zip(panels, models.items(), strict=False):
        logging.info("%s", name)
        gradients = keras_ar.input_gradients(model, images)
        shown = np.ma.masked_equal(gradients / gradients.max(), 0.0)
        picture = axes.imshow(shown, norm=LogNorm(1e-4, 1.0), cmap="viridis")
        row, column = watched_pixel(model)
        axes.plot(column, row, "s", color="red", markersize=4)
        axes.set_axis_on()
        axes.set(title=name.removesuffix(f"_{_DATASET.value}"), xticks=[], yticks=[])
    figure.colorbar(picture, ax=panels.tolist(), label="share of the largest derivative")
    figure.savefig(_OUTPUT.value, dpi=100)
    print(f"Wrote {_OUTPUT.value}.")


if __name__ == "__main__":
    app.run(main)
