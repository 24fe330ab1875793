"""``keras-ar list`` and ``keras-ar info``: what there is."""

from __future__ import annotations

import collections
import pathlib
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from absl import app, flags

from keras_ar.cli.arguments import NAME_HELP, picture_path
from keras_ar.cli.command import Command
from keras_ar.cli.model_folder import open_folder
from keras_ar.cli.sequence_facts import sequence_facts

if TYPE_CHECKING:
    import numpy as np

    from keras_ar.models import AutoregressiveModel

__all__ = ["INFO", "LIST"]


def _list(values: flags.FlagValues) -> None:
    from keras_ar import zoo

    rows = []
    for name in zoo.list():
        facts = zoo.describe(name)
        parameters, value = facts.get("parameters"), facts.get("value")
        rows.append(
            (
                name,
                str(facts.get("model_class") or ""),
                "" if parameters is None else f"{parameters:,} parameters",
                "" if value is None else f"{value:.2f} {_unit(facts)}",
            )
        )
    if not rows:
        print("The zoo is empty.")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _unit(facts: Mapping[str, Any]) -> str:
    # Of sequences, a dimension has a name of its own: bits/sample, bits/character.
    return facts.get("unit") or facts["metric"].replace("_", " ")


LIST = Command(
    name="list",
    summary="List the pretrained models.",
    arguments=(),
    details="Prints one line per model: name, class, number of parameters and test result. "
    "Nothing is written.",
    examples=("list",),
    define_flags=lambda values: None,
    run=_list,
)


def _print_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            print(f"{indent}{key}:")
            _print_facts(value, indent + "  ")
        elif value is not None:
            print(
                textwrap.fill(
                    f"{key}: {value}",
                    100,
                    initial_indent=indent,
                    subsequent_indent=indent + "  ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )


def _plot(mask: np.ndarray, row: int, column: int, path: pathlib.Path) -> None:
    """Draw the field without pyplot, which would want a display and keep global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(mask, cmap="YlOrRd", vmin=0, vmax=1)
    axes.plot(column, row, "s", color="black", label="the pixel")
    axes.set(title="What the pixel's distribution depends on", xlabel="column", ylabel="row")
    axes.legend()
    figure.savefig(path)


def _info(values: flags.FlagValues, name: str) -> None:
    plot = None if values.plot is None else picture_path(values.plot)
    from keras_ar import zoo

    folder = open_folder(name)
    for flag in ("plot", "row", "column", "trials"):
        if folder.kind != "images" and values[flag].present:
            raise app.UsageError(
                f"--{flag} is for models of images; {name} is a model of {folder.kind}."
            )
    _print_facts(zoo.describe(name))
    model = zoo.load(name)
    counts = collections.Counter(type(layer).__name__ for layer in model.layers)
    layers = ", ".join(f"{count} {layer}" for layer, count in counts.most_common())
    _print_facts({"weights": f"{model.count_params():,} numbers", "layers": layers})
    if folder.kind != "images":
        _print_facts(sequence_facts(folder, model, receptive_field=values.receptive_field))
    elif len(model.event_shape) == 3 and (values.receptive_field or plot is not None):
        _show_receptive_field(model, values, plot)


def _show_receptive_field(
    model: AutoregressiveModel, values: flags.FlagValues, plot: pathlib.Path | None
) -> None:
    from keras_ar.receptive_field import format_receptive_field, receptive_field, watched_pixel

    row, column = watched_pixel(model, values.row, values.column)
    mask = receptive_field(model, row, column, trials=values.trials)
    print(f"\nReceptive field of pixel ({row}, {column}), measured: {mask.sum()} pixels (#)")
    print(format_receptive_field(mask, row, column, model.order_of()))
    if plot is not None:
        _plot(mask, row, column, plot)
        print(f"Wrote {plot}.")


def _define_info_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "plot", None, "Images: also draw the receptive field to this picture.", flag_values=values
    )
    flags.DEFINE_bool("receptive_field", True, "Tell the receptive field.", flag_values=values)
    flags.DEFINE_integer(
        "row", None, "Images: pixel to look at; the middle if not given.", flag_values=values
    )
    flags.DEFINE_integer("column", None, "As --row.", flag_values=values)
    flags.DEFINE_integer(
        "trials",
        2,
        "Images: how many random ones the receptive field is measured with.",
        lower_bound=1,
        flag_values=values,
    )


INFO = Command(
    name="info",
    summary="Describe a model: data, result, layers and receptive field.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Prints what is known of the model, its layers, and which pixels the distribution of one pixel
    really depends on, measured by changing every pixel in turn: a network pass per pixel, which
    --noreceptive_field leaves out. Nothing is written but the picture of --plot.

    Of a model of sound or text it prints how far back a value depends on others, and the names of
    its classes with its sample rate, or its characters.""",
    examples=(
        "info pixelcnn_binarized_mnist",
        "info wavenet_spoken_digit",
        "info pixelcnn_binarized_mnist --row 3 --column 20 --plot field.png",
    ),
    define_flags=_define_info_flags,
    run=_info,
)
