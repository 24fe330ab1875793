"""Time the models of sequences, WaveNet beside PyTorch in the same run.

    python scripts/benchmarks/sequences.py --torch_python ~/torch/bin/python

WaveNet of 2 x 10 layers, 32 channels and 128 skip channels over 256 codes: a training step on one
second of 16 kHz audio by `model.fit`, generation step by step at several batch sizes and lengths,
and generation by whole passes. With --torch_python, the same network in PyTorch. Then the models of
the zoo. Medians are put into --output between

    <!-- sequence benchmark: begin -->
    <!-- sequence benchmark: end -->
"""

import pathlib
import statistics

from absl import app, flags
from page import MarkedPart
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

_WAVENET = {"num_stacks": 2, "layers_per_stack": 10, "filters": 32, "skip_filters": 128}
_TORCH = {"codes": 256, "stacks": 2, "layers": 10, "filters": 32, "skip_filters": 128}
_TEXT = {"vocabulary_size": 65}


def _workers() -> dict[str, Worker]:
    def ours(task: str, model_class: str = "WaveNet", options=_WAVENET, **settings) -> Worker:
        return Worker(
            "sequence_worker.py", task=task, model_class=model_class, options=options, **settings
        )

    fit = {"batch_size": 1, "length": 16_000}
    workers = {"WaveNet, training step": ours("fit", steps=4, **fit)}
    for batch_size, length in ((1, 4096), (1, 16_384), (16, 4096), (64, 2048)):
        name = f"WaveNet, generation, batch {batch_size}, {length:,} codes"
        workers[name] = ours("sample", batch_size=batch_size, length=length)
    workers["WaveNet, whole passes, batch 1, 2,048 codes"] = ours(
        "plain", batch_size=1, length=2048, steps=20
    )
    python = torch_python(_TORCH_PYTHON.value)
    if python:
        for name, settings in {
            "WaveNet, training step, PyTorch": {"task": "fit", **fit},
            "WaveNet, generation, batch 1, PyTorch": {
                "task": "sample",
                "batch_size": 1,
                "length": 200,
            },
        }.items():
            workers[name] = Worker("sequence_torch_worker.py", python, **settings, **_TORCH)
    workers["wavenet_spoken_digit, generation, batch 1"] = ours(
        "sample", "wavenet_spoken_digit", {}, batch_size=1, length=8000
    )
    for model_class, options in (
        ("CharRNN", _TEXT | {"units": 256}),
        ("TemporalConvNet", _TEXT),
    ):
        text = {"batch_size": 64, "length": 128}
        name = f"{model_class}, training step of {text['batch_size']} x {text['length']} characters"
        workers[name] = ours("fit", model_class, options, steps=10, **text)
        name = f"{model_class}, generation, batch 1"
        workers[name] = ours("sample", model_class, options, batch_size=1, length=2048)
    return workers


def _table(workers: dict[str, Worker]) -> str:
    lines = ["| what | median | range | ratio |", "|---|---|---|---|"]
    reference = workers["WaveNet, generation, batch 1, 4,096 codes"]
    for name, worker in workers.items():
        median = statistics.median(worker.seconds)
        low, high = min(worker.seconds), max(worker.seconds)
        ratio = ""
        if name.endswith("PyTorch"):
            step = "WaveNet, training step" if "training" in name else None
            other = workers[step] if step else reference
            ratio = worker.ratio_to(other, "ours")
        elif "whole passes" in name:
            ratio = worker.ratio_to(reference, "step by step")
        if "training" in name:
            cells = f"{median:.3g} s | {low:.3g} to {high:.3g}"
        else:
            cells = f"{1 / median:,.0f} codes a second | {1 / high:,.0f} to {1 / low:,.0f}"
        lines.append(f"| {name} | {cells} | {ratio} |")
    lines += [
        "",
        "Codes a second are those of one sequence of the batch. "
        + describe_turns(workers, _REPEATS.value),
    ]
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Measure, print and write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    part = MarkedPart(pathlib.Path(_OUTPUT.value), "sequence benchmark") if _OUTPUT.value else None
    workers = _workers()
    take_turns(workers, _REPEATS.value)
    table = _table(workers)
    print(table)
    if part:
        part.write(table)


if __name__ == "__main__":
    app.run(main)
