"""How ``keras-ar sample`` and ``complete`` draw images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import drawing_options, picture_path

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.cli.model_folder import ModelFolder
    from keras_ar.models import AutoregressiveModel

__all__ = ["complete_images", "sample_images"]


def sample_images(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Draw images on a sheet."""
    output = picture_path(values.output or "samples.png")
    from keras import ops

    from keras_ar import zoo
    from keras_ar.image_grid import save_grid

    count = values.count or 16
    model = zoo.load(folder.name)
    images = model.sample(count, condition=condition, **drawing_options(values))
    bits = float(ops.mean(model.bits_per_dim(images, condition)))
    save_grid(output, images, model.likelihood.levels)
    print(f"Wrote {output}: {count} images of {bits:.4f} bits per dimension on average.")


def complete_images(
    values: flags.FlagValues, folder: ModelFolder, condition: np.ndarray | None
) -> None:
    """Fill in the unknown pixels of images, and show what was given beside the result."""
    if not values.images and values.split is None:
        raise app.UsageError("say what to complete: --images (one or more) or --split.")
    output = picture_path(values.output or "completed.png")
    import numpy as np

    from keras_ar import zoo
    from keras_ar.image_grid import hide_unknown, save_grid, to_eight_bits

    model = zoo.load(folder.name)
    known = _known(values, model.image_shape)
    images, labels = _given(values, folder, model)
    completed = model.complete(
        images,
        known,
        condition=labels if condition is None else condition,
        **drawing_options(values),
    )
    levels = model.likelihood.levels
    given, filled = to_eight_bits(images, levels), to_eight_bits(completed, levels)
    masked = hide_unknown(given, known)
    sheet = np.stack([given, masked, filled], axis=1).reshape(-1, *model.image_shape)
    save_grid(output, sheet, 256, columns=3)
    print(f"Wrote {output}: {len(images)} rows of given, masked and completed image.")


def _given(
    values: flags.FlagValues, folder: ModelFolder, model: AutoregressiveModel
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images to complete, and the labels of those that come from a data set."""
    from keras_ar.data import load_examples
    from keras_ar.image_grid import read_images
    from keras_ar.training import read_recipe

    if values.images:
        return read_images(values.images, model.image_shape, model.likelihood.levels), None
    data = read_recipe(folder.path).data
    labels = model.num_classes is not None
    limit = values.count or 8
    loaded = load_examples(data.name, values.split, labels=labels, limit=limit)
    return loaded if labels else (loaded, None)


def _known(values: flags.FlagValues, image_shape: tuple[int, int, int]) -> np.ndarray:
    import numpy as np

    from keras_ar.image_grid import read_images

    height, width, _ = image_shape
    if values.mask is not None:
        return read_images(values.mask, (height, width, 1), 2)[0, ..., 0].astype(bool)
    rows = height // 2 if values.rows_known is None else values.rows_known
    if rows > height:
        raise ValueError(f"--rows_known is {rows}, and the images have only {height} rows.")
    return np.broadcast_to(np.arange(height)[:, None] < rows, (height, width))
