"""Run any causal network row by row and, inside a row, pixel by pixel."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_ar.sampling.graph import Node, expand_graph
from keras_ar.sampling.layout import Layout
from keras_ar.sampling.row import Row, RowRun
from keras_ar.sampling.schedule import Kind, make_schedules

__all__ = ["IncrementalNetwork", "Row"]


class IncrementalNetwork:
    """The second execution of a functional network: one row, one pixel at a time.

    Every operation runs as seldom as the order allows: what depends on finished rows once per
    row, for the whole row; what lives on a coarser grid once per coarse cell; conditions once.
    Layers with a memory are run by their own ``step`` (see docs/causal_layers.md), all others
    are applied to the slice.

    Args:
        inputs: Symbolic inputs of the model: images, then the condition if there is one.
        output: Symbolic parameters ``(batch, height, width, number)``.
        passes_per_pixel: How often the network runs to draw the colours of one pixel.

    Raises:
        ValueError: If a layer cannot be stepped, or the parameters of a pixel depend on the
            pixel itself or on later ones.
    """

    def __init__(
        self,
        inputs: Sequence[keras.KerasTensor],
        output: keras.KerasTensor,
        passes_per_pixel: int = 1,
    ):
        images, *conditions = inputs
        self._nodes, output_key = expand_graph(inputs, output)
        self._conditions = [id(x) for x in conditions]
        # The keys are ids: the symbolic tensors must live as long as this object.
        self._symbols = (list(inputs), output)
        self.schedules = make_schedules(self._nodes, id(images), self._conditions)
        kinds = self.schedules[0].kinds
        self._static_nodes = [node for node in self._nodes if kinds[node.outputs[0]] == Kind.STATIC]
        specs = {key: spec for node in self._nodes for key, spec in node.specs.items()}
        self._layout = Layout(
            images=id(images),
            output=output_key,
            specs=specs | {id(images): images},
            stepped=[
                index
                for index, node in enumerate(self._nodes)
                if node.is_stepped and node not in self._static_nodes
            ],
            passes=passes_per_pixel,
            height=images.shape[1],
            width=images.shape[2],
        )
        self._static_keys = self._list_static_keys()
        self._check_order()
        layers = {id(node.operation): node.operation for node in self._stepped_nodes()}
        self.folded_layers = [x for x in layers.values() if hasattr(x, "effective_kernel")]

    @property
    def period(self) -> int:
        """Rows after which the pattern of coarse rows repeats."""
        return len(self.schedules)

    @property
    def programs(self) -> list[int]:
        """For every phase, the first phase whose rows run the same program."""
        signatures = [schedule.signature for schedule in self.schedules]
        return [signatures.index(signature) for signature in signatures]

    def prepare(self, *conditions) -> tuple[list[Any], list[Any]]:
        """Compute once what no pixel changes: folded kernels, and all that a condition gives."""
        values = dict(zip(self._conditions, conditions, strict=True))
        for node in self._static_nodes:
            values.update(node.apply(values.__getitem__))
        kernels = [layer.effective_kernel for layer in self.folded_layers]
        return kernels, [values[key] for key in self._static_keys]

    def initial_states(self, batch_size) -> list[Any]:
        """Return the memory of every layer before the first row."""
        return [
            node.operation.initial_state(batch_size, node.input_shape)
            for node in self._stepped_nodes()
        ]

    def states_after(self, images, rows, statics: Sequence[Any]) -> list[Any]:
        """Return the memory after the first ``rows`` rows, from one parallel pass.

        Args:
            images: int32 ``(batch, height, width, channels)``.
            rows: Finished rows, a multiple of ``period``; an integer or a scalar tensor.
            statics: From ``prepare``.
        """
        values = dict(zip(self._static_keys, statics, strict=True)) | {self._layout.images: images}
        states = []
        for index, node in enumerate(self._nodes):
            if node in self._static_nodes:
                continue
            if index in self._layout.stepped:
                scale = self.schedules[0].scales[node.inputs[0]]
                inputs = node.gather(values.__getitem__)
                states.append(node.operation.state_after(inputs, rows // scale))
            values.update(node.apply(values.__getitem__))
        return states

    def run_row(
        self,
        phase: int,
        states: Sequence[Any],
        statics: Sequence[Any],
        row: Row,
        draw: Callable,
        *,
        keeps_parameters: bool = False,
    ) -> tuple[list[Any], Any]:
        """Generate one row.

        Args:
            phase: ``row.index % period``, a Python integer.
            states: Memory of the layers.
            statics: From ``prepare``; the kernels are expected to be folded in already.
            row: What is given.
            draw: ``draw(parameters, noise, known, images, channel) -> images`` of one pixel, all
                ``(batch, 1, 1, ...)``; ``channel`` is the one to draw.
            keeps_parameters: Whether to return the parameters instead of the images.

        Returns:
            The states after the row and the row ``(batch, 1, width, ...)``.
        """
        values = dict(zip(self._static_keys, statics, strict=True))
        run = RowRun(self._layout, self.schedules[phase], states, values, row)
        run.begin()
        run.draw_pixels(draw, keeps_parameters)
        run.finish()
        return run.states(), run.result

    def _stepped_nodes(self) -> list[Node]:
        return [self._nodes[index] for index in self._layout.stepped]

    def _list_static_keys(self) -> list[int]:
        """List the static tensors that the rest of the network reads."""
        static = [*self._conditions, *(key for node in self._static_nodes for key in node.outputs)]
        dynamic = (node for node in self._nodes if node not in self._static_nodes)
        read = {key for node in dynamic for key in node.inputs} | {self._layout.output}
        return [key for key in static if key in read]

    def _check_order(self) -> None:
        layout = self._layout
        for schedule in self.schedules:
            kind = schedule.kinds[layout.output]
            if kind == Kind.WHOLE:
                culprits = [
                    task.node.operation.name
                    for task in schedule.tasks
                    if task.gives == Kind.WHOLE and task.given < Kind.WHOLE
                ]
                raise ValueError(
                    f"Cannot generate pixel by pixel: {', '.join(culprits)} can only step over "
                    f"whole rows (there is no `enter_row`, or it reads pixels to the right). Put "
                    f"a Shift2D('down') behind, or call with cached=False."
                )
            if kind == Kind.LATE and layout.passes == 1:
                raise ValueError(
                    "Cannot generate pixel by pixel: the parameters of a pixel depend on the pixel "
                    "itself. The first layer must be of type A, or be followed by a Shift2D."
                )
            if layout.height % self.period or layout.width % schedule.block:
                raise ValueError(
                    f"Cannot generate step by step at this size: height and width must be "
                    f"divisible by {self.period}; got {layout.height}x{layout.width}. Call with "
                    f"cached=False."
                )
