"""Draw what a model makes of half-known test images: top, bottom, and scattered pixels known.

    python scripts/plot_completions.py --variant deepnade_binarized_mnist

Each row is a test image: as it is, and then masked and completed for every pattern. Models with
a fixed order take account of known pixels that come before; order-agnostic ones of all.
"""

import pathlib

from absl import app, flags

_VARIANT = flags.DEFINE_string("variant", None, "A variant of the zoo.", required=True)
_COUNT = flags.DEFINE_integer("count", 8, "Test images, the first ones.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the completions and of the scattered pixels.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "The picture to write; docs/images/<variant>_completions.png by default."
)


def main(argv: list[str]) -> None:
    """Complete the images and write one sheet."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    import numpy as np

    import keras_ar
    from keras_ar.data import load_images
    from keras_ar.image_grid import hide_unknown, save_grid, to_eight_bits
    from keras_ar.training import read_recipe

    folder = keras_ar.zoo.find_folder(_VARIANT.value)
    data = read_recipe(folder).data
    model = keras_ar.zoo.load(_VARIANT.value)
    images = load_images(data.name, data.test, limit=_COUNT.value)
    height, width, _ = model.image_shape
    rows = np.arange(height)[:, None]
    scattered = np.random.default_rng(_SEED.value).random((height, width)) < 0.15
    patterns = (rows < height // 2, rows >= height // 2, scattered)
    levels = model.likelihood.levels
    columns = [to_eight_bits(images, levels)]
    for pattern in patterns:
        known = np.broadcast_to(pattern, (height, width))
        completed = model.complete(images, known, seed=_SEED.value)
        columns.append(hide_unknown(columns[0], known))
        columns.append(to_eight_bits(completed, levels))
    sheet = np.stack(columns, axis=1).reshape(-1, *model.image_shape)
    images_folder = pathlib.Path(__file__).resolve().parents[1] / "docs" / "images"
    output = _OUTPUT.value or images_folder / f"{_VARIANT.value}_completions.png"
    save_grid(pathlib.Path(output), sheet, 256, columns=len(columns))
    print(f"Wrote {output}.")


if __name__ == "__main__":
    app.run(main)
