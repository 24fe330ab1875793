"""Time how long 16 samples of every image model of the zoo take, beside the plain method.

    python scripts/benchmarks/zoo_sampling.py

The plain method runs the whole network for every value. It completes the last row of the images,
and its time is multiplied by their rows: each row costs the same. Models of vectors, whose order
knows no rows, draw whole images. The table is put into --output between

    <!-- zoo sampling: begin -->
    <!-- zoo sampling: end -->

Measure on a machine that does nothing else.
"""

import pathlib

import numpy as np
from absl import app, flags
from page import MarkedPart, machine
from timing import measure

import keras_ar
from keras_ar.machine import describe_hardware, describe_versions
from keras_ar.models.vector_model import VectorModel

_COUNT = flags.DEFINE_integer("count", 16, "Images.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 3, "Measurements of everything.", lower_bound=1)
_OUTPUT = flags.DEFINE_string(
    "output",
    str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"),
    "The page to put the table into; empty writes nothing.",
)


def _row(name: str) -> str | None:
    """Return the row of one variant, or None if it is no model of images."""
    model = keras_ar.zoo.load(name)
    if len(model.event_shape) != 3:
        return None
    options = {"verbose": False, "seed": 0}
    if model.num_classes:
        options["condition"] = np.arange(_COUNT.value) % model.num_classes
    height, width, _ = model.event_shape

    def sample():
        return model.sample(_COUNT.value, **options)

    first, later = measure(sample, _REPEATS.value)
    images = sample()
    rows = height if isinstance(model, VectorModel) else 1
    known = np.broadcast_to(np.arange(height)[:, None] < height - rows, (height, width))

    def complete_plainly():
        return model.complete(images, known, cached=False, **options)

    _, seconds = measure(complete_plainly, _REPEATS.value)
    plain = height / rows * seconds
    return f"| `{name}` | {first:.3g} s | {later:.3g} s | {plain:.3g} s | {plain / later:.3g} |"


def main(argv: list[str]) -> None:
    """Measure, print and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(pathlib.Path(_OUTPUT.value), "zoo sampling") if _OUTPUT.value else None
    rows = [row for name in keras_ar.zoo.list() if (row := _row(name))]
    table = "\n".join(
        [
            "| variant | first call, compiling | later calls | plain method | times faster |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"{_COUNT.value} images, float32, medians of {_REPEATS.value}. "
            + machine(describe_hardware(), describe_versions()),
        ]
    )
    print(table)
    if part:
        part.write(table)


if __name__ == "__main__":
    app.run(main)
