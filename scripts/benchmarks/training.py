"""Time training, likelihood, loading and import, beside a yardstick in the same run.

    python scripts/benchmarks/training.py --repeats 7
    python scripts/benchmarks/training.py --torch_python ~/torch/bin/python

What is timed, in processes of their own that take turns (so that whatever else the machine does
hits all of them alike):

  - a training step of PixelCNN++, by `model.fit` as a user runs it, in float32 and in
    mixed_bfloat16, and the same with many steps in one compiled call;
  - products of two matrices in the same precision, the most arithmetic that the machine does:
    what part of it a training step makes use of is the model-FLOPs utilisation;
  - `model.log_prob`, per image;
  - `keras_ar.zoo.load`, all variants, and `import keras_ar` on top of `import keras`;
  - with --torch_python (or where torch is installed beside keras_ar): the same convolutions,
    forward and backward, in PyTorch.

Medians are printed as a markdown table and put into --output between the lines

    <!-- training benchmark: begin -->
    <!-- training benchmark: end -->

Measure on a machine that does nothing else: the ratios of one run are worth more than the times.
"""

import pathlib
import statistics
import sys
from collections.abc import Sequence

from absl import app, flags
from page import MarkedPart, machine, median_and_range
from process import Worker, torch_python

_HERE = pathlib.Path(__file__).resolve().parent
_REPEATS = flags.DEFINE_integer("repeats", 7, "Measurements of everything.", lower_bound=1)
_STEPS = flags.DEFINE_integer(
    "steps", 8, "Training steps (and batches of log_prob) in one measurement.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Images per step.", lower_bound=1)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Side of the image, a multiple of 4.")
_FILTERS = flags.DEFINE_integer("filters", 64, "PixelCNNPP(filters=...).", lower_bound=1)
_NUM_BLOCKS = flags.DEFINE_integer("num_blocks", 2, "PixelCNNPP(num_blocks=...).", lower_bound=1)
_MATRIX_SIZE = flags.DEFINE_integer(
    "matrix_size", 2048, "Rows and columns of the matrices that are multiplied.", lower_bound=1
)
_TORCH_PYTHON = flags.DEFINE_string(
    "torch_python", None, "A Python interpreter that can import torch; by default this one."
)
_TORCH_MEMORY_FORMAT = flags.DEFINE_enum(
    "torch_memory_format",
    "channels_last",
    ["channels_last", "contiguous_format"],
    "Layout of PyTorch's images; which one is faster depends on the processor.",
)
_OUTPUT = flags.DEFINE_string(
    "output",
    str(_HERE.parents[1] / "docs" / "performance.md"),
    "The page to put the table into; empty writes nothing.",
)

_POLICIES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


def _row(
    what: str, seconds: Sequence[float], ratio: str = "", peak_bytes: int | None = None
) -> str:
    memory = "" if peak_bytes is None else f"{peak_bytes / 1e9:.2f} GB"
    return f"| {what} | {median_and_range(seconds)} | {ratio} | {memory} |"


def _utilisation(worker: Worker, matrix: Worker) -> str:
    """Return the part of the machine's matrix rate that a training step makes use of."""
    per_product = worker.facts["flops"] / matrix.facts["flops"]
    shares = [per_product * b / a for a, b in zip(worker.seconds, matrix.seconds, strict=True)]
    return f"{statistics.median(shares):.0%} of the matrix rate"


def _table(
    workers: dict[str, Worker], imports: list[dict[str, float]], torch_name: str | None
) -> str:
    fits = {policy: workers[f"fit {policy}"] for policy in _POLICIES}
    model = fits["float32"].facts
    lines = [
        "| what | median | range | ratio | peak memory of the process |",
        "|---|---|---|---|---|",
    ]
    for task, how in (("fit", ""), ("calls", f", {_STEPS.value} steps in one call")):
        for policy, dtype in _POLICIES.items():
            worker = workers[f"{task} {policy}"]
            ratios = [_utilisation(worker, workers[f"matrix {dtype}"])]
            if worker is not fits["float32"]:
                ratios.append(worker.ratio_to(fits["float32"], "the first row"))
            if torch_name:
                reference = workers[f"torch {policy}"]
                ratios.append(worker.ratio_to(reference, "PyTorch's convolutions"))
            what = f"training step of {_BATCH_SIZE.value} images, {policy}{how}"
            lines.append(_row(what, worker.seconds, ", ".join(ratios), worker.peak_bytes))
    for dtype in _POLICIES.values():
        worker = workers[f"matrix {dtype}"]
        rate = f"{worker.facts['flops'] / statistics.median(worker.seconds) / 1e9:.0f} GFLOP/s"
        size = f"{_MATRIX_SIZE.value:,}"
        lines.append(
            _row(f"product of two matrices, {size} x {size}, {dtype}", worker.seconds, rate)
        )
    for policy, dtype in _POLICIES.items():
        if torch_name:
            worker = workers[f"torch {policy}"]
            what = f"its convolutions alone, forward and backward, {torch_name}, {dtype}"
            lines.append(_row(what, worker.seconds, peak_bytes=worker.peak_bytes))
    worker = workers["log_prob"]
    per_image = [seconds / _BATCH_SIZE.value for seconds in worker.seconds]
    lines.append(_row("`log_prob`, per image", per_image, peak_bytes=worker.peak_bytes))
    worker = workers["load"]
    if names := worker.facts["names"]:
        what = f"`zoo.load` of every variant ({len(names)})"
        lines.append(_row(what, worker.seconds, peak_bytes=worker.peak_bytes))
    both = {package: [i[package] for i in imports] for package in ("keras", "keras_ar")}
    share = statistics.median(i["keras_ar"] / i["keras"] for i in imports)
    lines.append(_row("`import keras`", both["keras"]))
    lines.append(_row("`import keras_ar` on top of it", both["keras_ar"], f"{share:.2f} x Keras"))
    lines += [
        "",
        f"PixelCNN++ of {model['parameters']:,} parameters and {len(model['convolutions'])} "
        f"convolutions: {_IMAGE_SIZE.value}x{_IMAGE_SIZE.value}x3, {_FILTERS.value} filters, "
        f"{_NUM_BLOCKS.value} blocks, 10 mixtures, dropout 0.5, Adam. Medians of {_REPEATS.value} "
        f"measurements of {_STEPS.value} steps, taken in turns; ratios are medians of the ratios "
        f"of a turn. {machine(model['hardware'], model['versions'])}",
    ]
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Measure, print and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(pathlib.Path(_OUTPUT.value), "training benchmark") if _OUTPUT.value else None
    size = _IMAGE_SIZE.value
    options = {
        "model_class": "PixelCNNPP",
        "options": {
            "image_shape": (size, size, 3),
            "filters": _FILTERS.value,
            "num_blocks": _NUM_BLOCKS.value,
            "num_mixtures": 10,
        },
        "batch_size": _BATCH_SIZE.value,
        "steps": _STEPS.value,
    }
    keras = "keras_worker.py"
    workers = {
        f"{task} {policy}": Worker(keras, task=task, policy=policy, **options)
        for task in ("fit", "calls")
        for policy in _POLICIES
    }
    for dtype in _POLICIES.values():
        matrix = {"dtype": dtype, "size": _MATRIX_SIZE.value, "steps": _STEPS.value}
        workers[f"matrix {dtype}"] = Worker(keras, task="matrix", **matrix)
    workers["log_prob"] = Worker(keras, task="log_prob", policy="float32", **options)
    workers["load"] = Worker(keras, task="load")
    torch_name = None
    if python := torch_python(_TORCH_PYTHON.value):
        convolutions = workers["fit float32"].facts["convolutions"]
        for policy, dtype in _POLICIES.items():
            worker = Worker(
                "torch_worker.py",
                python,
                convolutions=convolutions,
                dtype=dtype,
                memory_format=_TORCH_MEMORY_FORMAT.value,
                steps=_STEPS.value,
            )
            workers[f"torch {policy}"] = worker
            torch_name = f"PyTorch {worker.facts['version']}, {_TORCH_MEMORY_FORMAT.value}"
    imports = []
    for repeat in range(_REPEATS.value):
        print(f"Turn {repeat + 1} of {_REPEATS.value}.", file=sys.stderr)
        for worker in workers.values():
            worker.measure()
        importer = Worker(keras, task="import")
        imports.append(importer.facts)
        importer.close()
    for worker in workers.values():
        worker.close()
    table = _table(workers, imports, torch_name)
    print(table)
    if part:
        part.write(table)


if __name__ == "__main__":
    app.run(main)
