"""Draw the pixels of one block of columns: the inner loop of generation."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from keras_ar.sampling.schedule import Kind, Task

__all__ = ["ColumnsRun"]


class ColumnsRun:
    """The maps at the present pixel, while one block of columns is drawn.

    Args:
        run: The ``RowRun`` that the columns belong to.
        slices: Whole rows, cut to the cells of this block.
        queues: What each layer remembers of the cells to the left; replaced as pixels are drawn.
        draw: As in ``IncrementalNetwork.run_row``.
    """

    def __init__(self, run, slices: Mapping[Any, Any], queues: dict[int, Any], draw: Callable):
        self._run, self._slices, self.queues, self._draw = run, slices, queues, draw
        self._cells: dict[int, Any] = {}
        self._column = 0

    def run(self, column: int) -> None:
        """Draw the pixel in this column of the block, and let every queue take it in."""
        self._column = column
        layout, schedule = self._run.layout, self._run.schedule
        tasks = [task for task in self._run.pixel_tasks if self._is_active(task)]
        known, given = self._slices["known", column], self._slices["images", column]
        noise = self._slices["noise", column]
        # A layer with a delay is in both: its outputs come before the pixel, its inputs after.
        early = [task for task in tasks if task.gives == Kind.EARLY]
        late = [task for task in tasks if task.given == Kind.LATE]
        for task in early:
            self._run_task(task, commits=task.given == Kind.EARLY)
        is_early = schedule.kinds[layout.output] != Kind.LATE
        images = given
        for channel in range(layout.passes):
            if not is_early:
                self._cells[layout.images] = images
                for task in late:
                    self._run_task(task, commits=False, emits=task.gives == Kind.LATE)
            parameters = self.cell(layout.output, 1)
            images = self._draw(parameters, noise, known, images, channel)
        self._cells[layout.images] = images
        for task in late:
            self._run_task(task, commits=True, emits=task.gives == Kind.LATE)

    def cell(self, key: int, scale: int):
        """Return a tensor of the graph at the present cell ``(batch, 1, 1, channels)``."""
        if key in self._cells:
            return self._cells[key]
        place = (key, self._column // scale)
        return self._slices[place] if place in self._slices else self._run.statics[key]

    def _is_active(self, task: Task) -> bool:
        return self._column % min(task.scale_in, task.scale_out) == 0 and (
            task.index in self._run.step_pixel or not task.node.is_stepped
        )

    def _run_task(self, task: Task, *, commits: bool, emits: bool = True) -> None:
        node = task.node
        kinds = self._run.schedule.kinds
        is_ahead = task.given == Kind.LATE and task.gives == Kind.EARLY and not commits

        def lookup(key):
            # What comes with the pixel is not there yet; a layer with a delay does not read it.
            is_missing = is_ahead and kinds[key] == Kind.LATE
            return self._blank(key) if is_missing else self.cell(key, task.scale_in)

        if not node.is_stepped:
            self._cells.update(node.apply(lookup))
            return
        scale = task.scale_out
        ahead = self._slices.get((("ahead", task.index), self._column // scale))
        inputs = node.gather(lookup) if self._column % task.scale_in == 0 else None
        arguments = (inputs, ahead, self.queues[task.index])
        if task.is_upsampling:
            arguments += (self._column % task.scale_in // scale,)
        outputs, queue = self._run.step_pixel[task.index](*arguments)
        if commits:
            self.queues[task.index] = queue
        if emits and self._column % scale == 0:
            self._cells.update(zip(node.outputs, keras.tree.flatten(outputs), strict=True))

    def _blank(self, key: int):
        spec = self._run.layout.specs[key]
        return ops.zeros((self._run.batch_size, 1, 1, spec.shape[-1]), self._run.layout.dtype(key))
