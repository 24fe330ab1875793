"""Time the models of 28x28 bits, from MADE to the Diagonal BiLSTM, beside PyTorch in the same run.

    python scripts/benchmarks/binary.py --torch_python ~/torch/bin/python

What is timed, in processes that take turns: a training step by `model.fit` as a user runs it, batch
64, Adam; NADE's likelihood at three sizes, whose cost must double with the size; and, with
--torch_python, a MADE and a NADE written in PyTorch. Medians are put into --output between

    <!-- binary benchmark: begin -->
    <!-- binary benchmark: end -->
"""

import pathlib

from absl import app, flags
from page import MarkedPart, median_and_range
from process import Worker, describe_turns, take_turns, torch_python

_REPEATS = flags.DEFINE_integer("repeats", 5, "Measurements of everything.", lower_bound=1)
_TORCH_PYTHON = flags.DEFINE_string(
    "torch_python", None, "A Python interpreter that can import torch; by default this one."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"),
    "The page to put the table into; empty writes nothing.",
)

_BATCH_SIZE = 64
_IMAGE = (28, 28, 1)
_RNN = {"image_shape": _IMAGE, "levels": 2, "filters": 32, "num_blocks": 2, "head_filters": 32}

# What is timed: class, arguments, steps in one measurement, and the network of the PyTorch worker.
_MODELS = {
    "MADE, 500 and 500 units": ("MADE", {"units": (500, 500), "has_direct": False}, 200, "MADE"),
    "MADE, 8,000 units": ("MADE", {"units": (8000,), "has_direct": False}, 20, "MADE"),
    "NADE, 500 units": ("NADE", {"units": 500}, 20, "NADE"),
    "DeepNADE, 500 and 500 units": ("DeepNADE", {"units": (500, 500)}, 100, None),
    "Row LSTM, 2 layers of 32": ("PixelRNN", {**_RNN, "recurrence": "row"}, 10, None),
    "Diagonal BiLSTM, 2 layers of 32": ("PixelRNN", {**_RNN, "recurrence": "diagonal"}, 10, None),
}
_SIZES = (392, 784, 1568)


def _workers() -> dict[str, Worker]:
    python = torch_python(_TORCH_PYTHON.value)
    workers = {}
    for name, (model_class, options, steps, network) in _MODELS.items():
        options = {**options} if "image_shape" in options else {"event_size": 784, **options}
        workers[name] = Worker(
            "keras_worker.py",
            model_class=model_class,
            options=options,
            task="fit",
            batch_size=_BATCH_SIZE,
            steps=steps,
        )
        if network and python:
            workers[f"{name}, PyTorch"] = Worker(
                "binary_torch_worker.py",
                python,
                network=network,
                units=options["units"] if network == "MADE" else [options["units"]],
                batch_size=_BATCH_SIZE,
                steps=steps if network == "MADE" else 2,
            )
    for size in _SIZES:
        workers[f"NADE.log_prob, {size} values"] = Worker(
            "keras_worker.py",
            model_class="NADE",
            options={"event_size": size, "units": 500},
            task="log_prob",
            batch_size=_BATCH_SIZE,
            steps=10,
        )
    return workers


def _table(workers: dict[str, Worker]) -> str:
    lines = ["| what | median | range | ratio |", "|---|---|---|---|"]
    smaller = None
    for name, worker in workers.items():
        reference, label = workers.get(f"{name}, PyTorch"), "PyTorch"
        if name.startswith("NADE.log_prob"):
            reference, smaller, label = smaller, worker, "half the size"
        ratio = ""
        if reference is not None:
            ratio = worker.ratio_to(reference, label)
        lines.append(f"| {name} | {median_and_range(worker.seconds)} | {ratio} |")
    lines += [
        "",
        f"Batch {_BATCH_SIZE}, 784 bits, Adam. " + describe_turns(workers, _REPEATS.value),
    ]
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Measure, print and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(pathlib.Path(_OUTPUT.value), "binary benchmark") if _OUTPUT.value else None
    workers = _workers()
    take_turns(workers, _REPEATS.value)
    table = _table(workers)
    print(table)
    if part:
        part.write(table)


if __name__ == "__main__":
    app.run(main)
