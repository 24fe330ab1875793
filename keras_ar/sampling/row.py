"""Generate one row: what depends on finished rows, then the pixels, then what waits for them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_ar.loop import scan
from keras_ar.sampling.columns import ColumnsRun
from keras_ar.sampling.layout import Layout
from keras_ar.sampling.schedule import Kind, Schedule, Task

__all__ = ["Row", "RowRun"]


@dataclasses.dataclass(frozen=True)
class Row:
    """What is given about one row of images before it is generated.

    Attributes:
        index: Number of the row, an integer or a scalar tensor.
        images: int32 ``(batch, width, channels)``; zero where unknown.
        known: bool ``(batch, width)``.
        noise: float32 ``(batch, width, noise size)``.
    """

    index: Any
    images: Any
    known: Any
    noise: Any


class RowRun:
    """The state of affairs while one row is generated.

    Args:
        layout: What the network is.
        schedule: What runs on rows of this phase.
        states: Memory of the layers, in the order of ``layout.stepped``.
        statics: Values that depend on no image, by key.
        row: What is given.
    """

    def __init__(
        self,
        layout: Layout,
        schedule: Schedule,
        states: Sequence[Any],
        statics: Mapping[int, Any],
        row: Row,
    ):
        self.layout, self.schedule, self._row = layout, schedule, row
        self._state = dict(zip(layout.stepped, states, strict=True))
        self.batch_size = ops.shape(row.images)[0]
        self.statics = statics
        self._rows: dict[int, Any] = {}  # whole rows (batch, 1, width, channels), by tensor
        self.pixel_tasks = [task for task in schedule.tasks if task.runs_per_pixel]
        self._ahead: dict[int, Any] = {}
        self.step_pixel: dict[int, Callable] = {}

    def states(self) -> list[Any]:
        """Return the memory of every layer, in the order it was given."""
        return [self._state[index] for index in self.layout.stepped]

    # Before the first pixel: everything that depends on finished rows

    def begin(self) -> None:
        """Run what depends on finished rows, and enter the row where pixels are needed."""
        for task in self.schedule.tasks:
            if task.given <= Kind.ROW:
                self._run_on_row(task)
            elif task.gives == Kind.ROW:
                # A row of delay: the outputs are in the memory, the inputs come with ``finish``.
                blank = ops.zeros(self._row_shape(task), task.node.operation.compute_dtype)
                outputs, _ = task.node.operation.step(blank, self._state[task.index])
                self._set_row(task, outputs)
            elif task.runs_per_pixel and task.node.is_stepped and task.produces:
                ahead, function = task.node.operation.enter_row(self._state[task.index])
                self.step_pixel[task.index] = function
                if ahead is not None:
                    self._ahead[task.index] = (ahead, task.scale_out)

    def finish(self) -> None:
        """Run what waited for the whole row, and let every layer remember it."""
        for task in self.schedule.tasks:
            if task.runs_after_row:
                self._run_on_row(task)
            elif task.runs_per_pixel and self._remembers_rows(task):
                inputs = self._row_input(task)
                leave = task.node.operation.leave_row
                self._state[task.index] = leave(inputs, self._state[task.index])

    def _run_on_row(self, task: Task) -> None:
        if not task.node.is_stepped:
            self._rows.update(task.node.apply(self._lookup(task)))
            return
        arguments = (self._row_input(task) if task.receives else None, self._state[task.index])
        if task.is_upsampling:
            arguments += (task.row_phase,)
        outputs, self._state[task.index] = task.node.operation.step(*arguments)
        if task.gives != Kind.ROW or task.given <= Kind.ROW:
            self._set_row(task, outputs)

    def _set_row(self, task: Task, outputs) -> None:
        self._rows.update(zip(task.node.outputs, keras.tree.flatten(outputs), strict=True))

    def _row_input(self, task: Task):
        return task.node.gather(self._lookup(task))

    def _lookup(self, task: Task) -> Callable[[int], Any]:
        return lambda key: self._row_value(key, task.scale_in)

    def _row_value(self, key: int, scale: int):
        """Return a map on the present row; a static one is cut at its place."""
        if key in self._rows:
            return self._rows[key]
        value = self.statics[key]
        if not self._is_spatial(key, scale):
            return value
        return ops.expand_dims(ops.take(value, self._row.index // scale, axis=1), 1)

    def _is_spatial(self, key: int, scale: int) -> bool:
        """Whether a static tensor has the resolution of the image (rather than one value)."""
        shape = tuple(self.statics[key].shape)
        size = (self.layout.height // scale, self.layout.width // scale)
        return len(shape) == 4 and shape[1:3] == size and size != (1, 1)

    def _row_shape(self, task: Task) -> tuple[Any, ...]:
        _, _, *rest = task.node.input_shape
        return (self.batch_size, 1, *rest)

    def _remembers_rows(self, task: Task) -> bool:
        has_state = task.node.is_stepped and keras.tree.flatten(self._state[task.index])
        return bool(has_state) and task.receives

    # The pixels

    def draw_pixels(self, draw: Callable, keeps_parameters: bool) -> None:
        """Draw the pixels from left to right, in blocks of one coarsest cell."""
        block = self.schedule.block
        num_blocks = self.layout.width // block
        sources = self._loop_inputs()
        names = list(sources)
        recorded = self._recorded_keys()
        parameters = [self.layout.output] if keeps_parameters else []

        def run_block(queues, slices):
            cells = dict(zip(names, slices, strict=True))
            columns = ColumnsRun(self, cells, dict(zip(queue_names, queues, strict=True)), draw)
            outputs = []
            for column in range(block):
                columns.run(column)
                outputs += [
                    ops.cast(columns.cell(key, scale), self.layout.dtype(key))
                    for key, scale in recorded
                    if column % scale == 0
                ]
                outputs += [columns.cell(key, 1) for key in parameters]
            return [columns.queues[name] for name in queue_names], outputs

        queues = self._initial_queues()
        queue_names = list(queues)
        places = [
            (key, column)
            for column in range(block)
            for key in [key for key, scale in recorded if column % scale == 0] + parameters
        ]
        dtypes = [self.layout.dtype(key) for key, _ in places]
        _, stacked = scan(
            run_block, list(queues.values()), list(sources.values()), num_blocks, dtypes
        )
        for key in dict.fromkeys(key for key, _ in places):
            parts = [x for x, (other, _) in zip(stacked, places, strict=True) if other == key]
            self._rows[key] = _join_columns(parts, num_blocks)
        self.result = self._rows[parameters[0] if parameters else self.layout.images]

    def _initial_queues(self) -> dict[int, Any]:
        return {
            task.index: task.node.operation.initial_queue(self.batch_size, task.node.input_shape)
            for task in self.pixel_tasks
            if task.index in self.step_pixel
        }

    def _recorded_keys(self) -> list[tuple[int, int]]:
        """List the maps whose whole row is needed after the loop, with their scales."""
        kinds, scales = self.schedule.kinds, self.schedule.scales
        wanted = {self.layout.images: None}
        for task in self.schedule.tasks:
            if task.runs_after_row or (task.runs_per_pixel and self._remembers_rows(task)):
                wanted.update(dict.fromkeys(task.node.inputs))
        return [(key, scales[key]) for key in wanted if kinds.get(key) in (Kind.EARLY, Kind.LATE)]

    def _loop_inputs(self) -> dict[Any, Any]:
        """Cut whole rows that pixels read into one tensor ``(blocks, batch, 1, 1, n)`` per cell."""
        row = self._row
        sources = {}

        def add(name, values, scale):
            for place, part in enumerate(self._split_columns(values, scale)):
                sources[name, place] = part

        add("noise", row.noise[:, None], 1)
        add("known", row.known[:, None, :, None], 1)
        add("images", row.images[:, None], 1)
        for index, (ahead, scale) in self._ahead.items():
            add(("ahead", index), ahead, scale)
        wanted = {}
        for task in self.pixel_tasks:
            wanted.update((key, task.scale_in) for key in task.node.inputs)
        wanted[self.layout.output] = 1
        for key, scale in wanted.items():
            if self.schedule.kinds[key] == Kind.ROW or (
                self.schedule.kinds[key] == Kind.STATIC and self._is_spatial(key, scale)
            ):
                add(key, self._row_value(key, scale), scale)
        return sources

    def _split_columns(self, values, scale: int) -> list[Any]:
        """Turn a row into ``block / scale`` tensors ``(blocks, batch, 1, 1, channels)``."""
        batch, channels = ops.shape(values)[0], values.shape[-1]
        num_blocks, cells = self.layout.width // self.schedule.block, self.schedule.block // scale
        split = ops.reshape(values, (batch, num_blocks, cells, channels))
        split = ops.transpose(split, (2, 1, 0, 3))[:, :, :, None, None, :]
        return [split[place] for place in range(cells)]


def _join_columns(parts: Sequence[Any], num_blocks: int):
    """Undo ``_split_columns``: to ``(batch, 1, width, channels)``."""
    batch, channels = ops.shape(parts[0])[1], parts[0].shape[-1]
    stacked = ops.transpose(ops.stack(parts, axis=1)[:, :, :, 0, 0, :], (2, 0, 1, 3))
    return ops.reshape(stacked, (batch, 1, num_blocks * len(parts), channels))
