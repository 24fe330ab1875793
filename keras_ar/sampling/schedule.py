"""Decide when each operation of a network runs while an image is generated."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from keras_ar.sampling.graph import Node, is_pointwise

__all__ = ["Kind", "Schedule", "Task", "make_schedules", "refusal"]


class Kind(enum.IntEnum):
    """From when on a map's values on the present row are known."""

    STATIC = 0  # always: it does not depend on the image
    ROW = 1  # when the row begins: it depends on finished rows only
    EARLY = 2  # before the pixel at its place is drawn
    LATE = 3  # once that pixel is drawn
    WHOLE = 4  # once the whole row is drawn


@dataclasses.dataclass(frozen=True)
class Task:
    """One node of the graph on rows of one phase.

    Attributes:
        index: Position of the node in the graph.
        node: The node.
        phase: Number of the row modulo the period.
        given: When its inputs are known.
        gives: When its outputs are known.
        scale_in: Image pixels per cell of its inputs, in both directions.
        scale_out: Image pixels per cell of its outputs.
        receives: Whether a row of inputs arrives in this row; else the last one is still in use.
        produces: Whether a row of outputs lies in this row.
    """

    index: int
    node: Node
    phase: int
    given: Kind
    gives: Kind
    scale_in: int
    scale_out: int
    receives: bool
    produces: bool

    @property
    def runs_per_pixel(self) -> bool:
        """Whether it runs once per pixel (or coarse cell) rather than once per row."""
        if self.given not in (Kind.EARLY, Kind.LATE):
            return False
        return not self.node.is_stepped or _steps_within_row(self.node)

    @property
    def is_upsampling(self) -> bool:
        """Whether one row of inputs gives several rows of outputs."""
        return self.scale_out < self.scale_in

    @property
    def row_phase(self) -> int:
        """Which of the rows of outputs that one row of inputs gives this is."""
        return self.phase % self.scale_in // self.scale_out if self.is_upsampling else 0

    @property
    def runs_after_row(self) -> bool:
        """Whether it waits for the whole row."""
        return self.given >= Kind.EARLY and not self.runs_per_pixel


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What runs on rows of one phase, in the order of the graph.

    Attributes:
        tasks: The operations.
        kinds: When each tensor is known.
        scales: Image pixels per cell of each tensor.
        block: Columns after which the pattern of coarse cells repeats.
    """

    tasks: Sequence[Task]
    kinds: Mapping[int, Kind]
    scales: Mapping[int, int]
    block: int

    @property
    def signature(self) -> tuple[Any, ...]:
        """Equal for phases that run the same program."""
        return tuple(
            (task.index, task.given, task.gives, task.receives, task.produces, task.row_phase)
            for task in self.tasks
        )


def make_schedules(
    nodes: Sequence[Node], images_key: int, static_keys: Sequence[int]
) -> list[Schedule]:
    """Make one schedule per phase: row ``r`` follows schedule ``r % len(schedules)``.

    Args:
        nodes: The network.
        images_key: Key of the images.
        static_keys: Keys of the conditions.

    Raises:
        ValueError: If an operation mixes positions in a way that cannot be run step by step.
    """
    static = set(static_keys)
    scales = {images_key: 1}
    for node in nodes:
        if all(key in static for key in node.inputs):
            static.update(node.outputs)
            continue
        if not node.is_stepped and not is_pointwise(node):
            raise ValueError(refusal(node))
        found = {scales[key] for key in node.inputs if key not in static}
        if len(found) > 1:
            raise ValueError(f"{node.operation.name} combines maps of different resolutions.")
        scale = _scale_after(node, found.pop())
        scales.update(dict.fromkeys(node.outputs, scale))
    period = max(scales.values())
    return [_schedule(nodes, images_key, static, scales, phase) for phase in range(period)]


def _schedule(nodes, images_key, static, scales, phase) -> Schedule:
    kinds = dict.fromkeys(static, Kind.STATIC) | {images_key: Kind.LATE}
    tasks = []
    for index, node in enumerate(nodes):
        if all(key in static for key in node.inputs):
            continue
        scale_in = next(scales[key] for key in node.inputs if key not in static)
        scale_out = scales[node.outputs[0]]
        receives, produces = phase % scale_in == 0, phase % scale_out == 0
        if not receives and not (scale_out < scale_in and produces):
            continue
        given = max(kinds[key] for key in node.inputs) if receives else Kind.ROW
        gives = _gives(node, given, kinds)
        tasks.append(
            Task(index, node, phase, given, gives, scale_in, scale_out, receives, produces)
        )
        kinds.update(dict.fromkeys(node.outputs, gives))
    per_pixel = [task for task in tasks if task.runs_per_pixel]
    block = max([1, *(max(task.scale_in, task.scale_out) for task in per_pixel)])
    return Schedule(tasks, kinds, scales, block)


def _scale_after(node: Node, scale: int) -> int:
    if not node.is_stepped:
        return scale
    upsampling = getattr(node.operation, "upsampling", None)
    return scale // upsampling if upsampling else scale * getattr(node.operation, "strides", 1)


def _gives(node: Node, given: Kind, kinds: Mapping[int, Kind]) -> Kind:
    if not node.is_stepped or given <= Kind.ROW:
        return given
    delay = getattr(node.operation, "delay", None)
    if delay == "row":
        return Kind.ROW
    if given == Kind.WHOLE or not _steps_within_row(node):
        return Kind.WHOLE
    if delay != "column":
        return given
    undelayed = getattr(node.operation, "undelayed_inputs", ())
    return max([Kind.EARLY, *(kinds[node.inputs[index]] for index in undelayed)])


def _steps_within_row(node: Node) -> bool:
    return getattr(node.operation, "steps_within_row", False)


def refusal(node: Node) -> str:
    """Say why a network cannot be run step by step, and what to do."""
    operation = node.operation
    kind = type(operation).__name__
    return (
        f"Cannot generate step by step through {operation.name!r} ({kind}): it has no `step`, and "
        f"it is not known to treat every position by itself. Give {kind} the methods "
        f"`initial_state` and `step` (docs/causal_layers.md), set `is_pointwise = True` on it if "
        f"each position of its output reads that position only, or call with cached=False, which "
        f"runs the whole network for every pixel."
    )
