"""``keras-ar sample`` and ``keras-ar complete``: draw images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import app, flags

from keras_ar.cli.arguments import (
    NAME_HELP,
    define_drawing_flags,
    drawing_options,
    picture_path,
    read_condition,
)
from keras_ar.cli.command import Command

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.models import AutoregressiveModel

__all__ = ["COMPLETE", "SAMPLE"]


def _sample(values: flags.FlagValues, name: str) -> None:
    condition = read_condition(values.condition)
    output = picture_path(values.output)
    from keras import ops

    from keras_ar import zoo
    from keras_ar.image_grid import save_grid

    model = zoo.load(name)
    images = model.sample(values.count, condition=condition, **drawing_options(values))
    bits = float(ops.mean(model.bits_per_dim(images, condition)))
    save_grid(output, images, model.likelihood.levels)
    print(f"Wrote {output}: {values.count} images of {bits:.4f} bits per dimension on average.")


def _define_sample_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_integer("count", 16, "Images to draw.", lower_bound=1, flag_values=values)
    define_drawing_flags(values)
    flags.DEFINE_string("output", "samples.png", "The sheet to write.", flag_values=values)


SAMPLE = Command(
    name="sample",
    summary="Draw images from a model.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Writes all images on one sheet (--output), small ones enlarged, and prints how probable the
    model finds them on average.""",
    examples=(
        "sample pixelcnn_binarized_mnist --count 25 --seed 1",
        "sample my_conditional_model --condition 7 --temperature 0.9 --output sevens.png",
    ),
    define_flags=_define_sample_flags,
    run=_sample,
)


def _given(
    values: flags.FlagValues, name: str, model: AutoregressiveModel
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images to complete, and the labels of those that come from a data set."""
    from keras_ar import zoo
    from keras_ar.data import load_examples
    from keras_ar.image_grid import read_images
    from keras_ar.training import read_recipe

    if values.images:
        return read_images(values.images, model.image_shape, model.likelihood.levels), None
    data = read_recipe(zoo.find_folder(name)).data
    labels = model.num_classes is not None
    loaded = load_examples(data.name, values.split, labels=labels, limit=values.count)
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


def _complete(values: flags.FlagValues, name: str) -> None:
    if bool(values.images) == (values.split is not None):
        raise app.UsageError("give either --images (one or more) or --split.")
    if values.mask is not None and values.rows_known is not None:
        raise app.UsageError("give --mask or --rows_known, not both.")
    condition = read_condition(values.condition)
    output = picture_path(values.output)
    import numpy as np

    from keras_ar import zoo
    from keras_ar.image_grid import hide_unknown, save_grid, to_eight_bits

    model = zoo.load(name)
    known = _known(values, model.image_shape)
    images, labels = _given(values, name, model)
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


def _define_complete_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "images",
        None,
        "A PNG of exactly the model's size",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split",
        None,
        "Instead of --images: a split of the data set the model was trained on, such as test.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "count", 8, "How many images of --split.", lower_bound=1, flag_values=values
    )
    flags.DEFINE_integer(
        "rows_known",
        None,
        "The first so many rows are given; half of them if neither this nor --mask is there.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_string(
        "mask",
        None,
        "Instead of --rows_known: a PNG of the model's size, white where pixels are given.",
        flag_values=values,
    )
    define_drawing_flags(values)
    flags.DEFINE_string("output", "completed.png", "The sheet to write.", flag_values=values)


COMPLETE = Command(
    name="complete",
    summary="Fill in the unknown part of images.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Pixels are drawn in reading order, each given all pixels before it; known pixels stay as they
    are. Writes a sheet (--output) with one row per image: given, masked, completed.""",
    examples=(
        "complete pixelcnn_binarized_mnist --split test --count 8 --rows_known 14",
        "complete pixelcnn_binarized_mnist --images a.png --images b.png --mask mask.png",
    ),
    define_flags=_define_complete_flags,
    run=_complete,
)
