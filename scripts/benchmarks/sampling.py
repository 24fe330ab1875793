"""Time incremental sampling beside the plain method in the same run, over sizes and batches.

    python scripts/benchmarks/sampling.py
    python scripts/benchmarks/sampling.py --filters 160 --num_blocks 5 --sizes 32 --batches 16

The plain method runs the whole network for every pixel. It is timed for --plain_pixels pixels and
multiplied by their number: each of them costs the same. Medians are printed as a markdown table
and, with --section, put into docs/performance.md between the lines

    <!-- sampling SECTION: begin -->
    <!-- sampling SECTION: end -->

--plot draws seconds per image over the size. --executions times three ways to compile the rows.
Measure on a machine that does nothing else.
"""

import pathlib
import statistics

import matplotlib

matplotlib.use("agg")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from arithmetic import arithmetic_limit
from matplotlib import pyplot as plt
from page import MarkedPart, machine
from timing import measure, timed

import keras_ar
from keras_ar.layers.stepped_conv2d import folded_kernels
from keras_ar.machine import describe_hardware, describe_versions
from keras_ar.sampling import IncrementalSampler, uniform_noise

_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
_SIZES = flags.DEFINE_list("sizes", ["16", "32", "64"], "Sides of the images, multiples of 4.")
_BATCHES = flags.DEFINE_list("batches", ["1", "16", "64"], "Numbers of images.")
_FILTERS = flags.DEFINE_integer("filters", 64, "PixelCNNPP(filters=...).", lower_bound=1)
_NUM_BLOCKS = flags.DEFINE_integer("num_blocks", 2, "PixelCNNPP(num_blocks=...).", lower_bound=1)
_POLICY = flags.DEFINE_string("policy", "float32", "Keras dtype policy.")
_REPEATS = flags.DEFINE_integer("repeats", 3, "Measurements of everything.", lower_bound=1)
_PLAIN_PIXELS = flags.DEFINE_integer("plain_pixels", 3, "Pixels timed plainly.", lower_bound=1)
_EXECUTIONS = flags.DEFINE_boolean("executions", False, "Compare ways to compile instead.")
_SECTION = flags.DEFINE_string("section", None, "Part of docs/performance.md to rewrite.")
_PLOT = flags.DEFINE_string("plot", None, "PNG to draw.")


def build_model(size: int) -> keras_ar.PixelCNNPP:
    """Build a PixelCNN++ with data-dependent initial weights; its speed is that of any other."""
    keras.utils.set_random_seed(0)
    model = keras_ar.PixelCNNPP(
        (size, size, 3), filters=_FILTERS.value, num_blocks=_NUM_BLOCKS.value, num_mixtures=10
    )
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3)).astype("uint8")
    model.initialize_from_data(images)
    return model


def plain_seconds(model: keras_ar.PixelCNNPP, batch: int) -> float:
    """Time some pixels of the plain method, and scale up to the image."""
    height, width, _ = model.image_shape
    images = np.zeros((batch, *model.image_shape), "uint8")
    known = np.ones((height, width), bool)

    def draw(number: int) -> float:
        known[:] = True
        known[height // 2, :number] = False
        return timed(lambda: model.complete(images, known, cached=False, verbose=False))

    draw(1)  # compiles
    return statistics.median(draw(1) for _ in range(_PLAIN_PIXELS.value)) * height * width


def measure_all(model: keras_ar.PixelCNNPP, batch: int) -> dict[str, float]:
    """Time the incremental and the plain method, and the arithmetic of the first."""
    first, cached = measure(lambda: model.sample(batch, seed=0, verbose=False), _REPEATS.value)
    _, limit = arithmetic_limit(model, batch)
    plain = plain_seconds(model, batch)
    found = {"size": model.image_shape[0], "batch": batch, "first": first, "cached": cached}
    return found | {"plain": plain, "limit": limit}


def grid_table(results: list[dict[str, float]]) -> str:
    lines = [
        "| image | batch | first call, with compilation | later calls | per image and pixel "
        "| plain method | times faster | arithmetic alone | times the arithmetic |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        size, seconds = int(r["size"]), r["cached"]
        per_pixel = seconds / (r["batch"] * size * size)
        lines.append(
            f"| {size}x{size}x3 | {int(r['batch'])} | {r['first']:.1f} s | {seconds:.3g} s "
            f"| {1e6 * per_pixel:.3g} µs | {r['plain']:.4g} s | {r['plain'] / seconds:.0f} "
            f"| {r['limit']:.3g} s | {seconds / r['limit']:.1f} |"
        )
    return "\n".join(lines)


def execution_table(batch: int, size: int) -> str:
    """Compare the way `sample` compiles with two others."""
    model = build_model(size)
    blank = np.zeros((batch, *model.image_shape), "int32")
    known = np.zeros((batch, size, size), bool)
    noise = uniform_noise((batch, size, size, model.likelihood.noise_size), 0)
    heat = tf.constant(1.0)
    sampler = model.sampler
    whole = tf.function(lambda *a: sampler.generate_graph(*a, (), heat), autograph=False)
    tensors = [tf.constant(x) for x in (blank, known, noise)]
    by_xla = IncrementalSampler(
        model.inputs,
        model.outputs[0],
        model.likelihood,
        model.variables,
        folded_kernels,
        jit_compile=True,
    )
    ways = {
        "one TensorFlow program per kind of row, called from Python (`sample`)": measure(
            lambda: sampler.generate(blank, known, noise, (), heat, (), verbose=False),
            _REPEATS.value,
        ),
        "one TensorFlow program, all rows in a loop (the SavedModel)": measure(
            lambda: whole(*tensors).numpy(), _REPEATS.value
        ),
        "the rows compiled by XLA": measure(
            lambda: by_xla.generate(blank, known, noise, (), heat, (), verbose=False),
            _REPEATS.value,
        ),
    }
    lines = ["| execution | first call | later calls |", "|---|---|---|"]
    lines += [
        f"| {name} | {first:.1f} s | {later:.2f} s |" for name, (first, later) in ways.items()
    ]
    return "\n".join(lines)


def draw_plot(results: list[dict[str, float]], path: str) -> None:
    figure, axes = plt.subplots(figsize=(6, 4))
    for batch in sorted({r["batch"] for r in results}):
        chosen = [r for r in results if r["batch"] == batch]
        sizes = [r["size"] for r in chosen]
        (line,) = axes.loglog(
            sizes,
            [r["cached"] / batch for r in chosen],
            "o-",
            label=f"incremental, batch {batch:g}",
        )
        plain = [r["plain"] / batch for r in chosen]
        axes.loglog(sizes, plain, "o--", color=line.get_color(), label=f"plain, batch {batch:g}")
    axes.set_xlabel("side of the image, pixels")
    axes.set_ylabel("seconds per image")
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main(argv: list[str]) -> None:
    """Measure, print, plot and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(_PAGE, f"sampling {_SECTION.value}") if _SECTION.value else None
    keras.config.set_dtype_policy(_POLICY.value)
    sizes, batches = [int(x) for x in _SIZES.value], [int(x) for x in _BATCHES.value]
    if _EXECUTIONS.value:
        table = execution_table(batches[0], sizes[0])
    else:
        results = []
        for size in sizes:
            model = build_model(size)
            for batch in batches:
                results.append(measure_all(model, batch))
                print(results[-1], flush=True)
        table = grid_table(results)
        if _PLOT.value:
            draw_plot(results, _PLOT.value)
    table += (
        f"\n\nPixelCNN++ of {_FILTERS.value} filters, {_NUM_BLOCKS.value} blocks and 10 mixtures, "
        f"{_POLICY.value}, medians of {_REPEATS.value}. "
        f"{machine(describe_hardware(), describe_versions())}"
    )
    print(table)
    if part:
        part.write(table)


if __name__ == "__main__":
    app.run(main)
