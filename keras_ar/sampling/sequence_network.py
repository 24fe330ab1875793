"""Run any causal network over sequences one step at a time."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ar.loop import scan
from keras_ar.sampling.graph import Node, expand_graph, is_pointwise
from keras_ar.sampling.schedule import refusal

__all__ = ["SequenceNetwork"]


class SequenceNetwork:
    """The second execution of a functional network over sequences: one step at a time.

    What depends on conditions only is computed once, for the whole sequence where it has a time
    axis; layers with a memory run by their own ``step``; all others are applied to the slice
    ``(batch, 1, channels)``.

    Args:
        inputs: Symbolic inputs of the model: codes ``(batch, time)``, then the conditions.
        output: Symbolic parameters ``(batch, time, number)``.

    Raises:
        ValueError: If a layer cannot be stepped, or reads a code in its own step.
    """

    def __init__(self, inputs: Sequence[keras.KerasTensor], output: keras.KerasTensor):
        codes, *conditions = inputs
        nodes, self._output = expand_graph(inputs, output)
        # The keys are ids: the symbolic tensors must live as long as this object.
        self._symbols = (list(inputs), output)
        self._codes = id(codes)
        self._conditions = [id(x) for x in conditions]
        static = set(self._conditions)
        self._static_nodes, self._nodes = [], []
        for node in nodes:
            is_static = all(key in static for key in node.inputs)
            (self._static_nodes if is_static else self._nodes).append(node)
            if is_static:
                static.update(node.outputs)
        for node in self._nodes:
            self._check(node)
        specs = {id(x): x for x in conditions}
        specs |= {key: spec for node in self._static_nodes for key, spec in node.specs.items()}
        read = {key for node in self._nodes for key in node.inputs}
        self._static_keys = [key for key in specs if key in read]
        self._is_over_time = [_is_over_time(specs[key]) for key in self._static_keys]

    def prepare(self, *conditions) -> tuple[list[Any], list[Any]]:
        """Compute once what no code changes.

        Returns:
            What is the same at every step, and what has a time axis, ``(batch, time, channels)``.
        """
        values = dict(zip(self._conditions, conditions, strict=True))
        for node in self._static_nodes:
            values.update(node.apply(values.__getitem__))
        statics = list(zip(self._static_keys, self._is_over_time, strict=True))
        constant = [values[key] for key, is_over_time in statics if not is_over_time]
        over_time = [values[key] for key, is_over_time in statics if is_over_time]
        return constant, over_time

    def start(self, batch_size) -> tuple[Any, list[Any]]:
        """Return what stands before the first code, and the memory there.

        The axis of the batch is the first of every tensor of the memory; a scalar in it is
        common to all sequences.
        """
        state = [
            node.operation.initial_state(batch_size, node.input_shape)
            for node in self._nodes
            if node.is_stepped
        ]
        return ops.full((batch_size,), -1, "int32"), state

    def step(
        self, previous, state: Sequence[Any], constant: Sequence[Any], present: Sequence[Any]
    ) -> tuple[Any, list[Any]]:
        """Compute the parameters of the next code.

        Args:
            previous: int32 ``(batch,)``, the code before it; -1 at the beginning.
            state: Memory of the layers.
            constant: From ``prepare``.
            present: The slices ``(batch, 1, channels)`` of what has a time axis.

        Returns:
            Parameters ``(batch, number)`` and the memory after the step.
        """
        parameters, state = self._walk("step", previous[:, None], state, constant, present)
        return parameters[:, 0], state

    def advance(
        self,
        codes,
        previous,
        state: Sequence[Any],
        constant: Sequence[Any],
        over_time: Sequence[Any],
        training: bool = False,
    ) -> tuple[Any, list[Any]]:
        """Compute the parameters of given codes in one parallel pass, from any memory.

        Args:
            codes: int32 ``(batch, time)``; the last one is not remembered yet, but given to the
                next pass or step as ``previous``.
            previous: int32 ``(batch,)``, the code before them.
            state: Memory of the layers.
            constant: From ``prepare``.
            over_time: From ``prepare``, the part beside the codes.
            training: Whether layers such as dropout run as in training.

        Returns:
            Parameters ``(batch, time, number)`` and the memory after as many steps.
        """
        before = ops.concatenate([previous[:, None], codes[:, :-1]], axis=1)
        return self._walk("advance", before, state, constant, over_time, training)

    def settled(self, state: Sequence[Any]) -> list[Any]:
        """Return the same memory without a trace of when it began.

        What is common to all sequences is then as before the first step, so that sequences which
        began at different times can stand in one batch.

        Raises:
            ValueError: If a layer remembers a common number and does not say how it settles.
        """
        layers = [node.operation for node in self._nodes if node.is_stepped]
        return [_settle(layer, one) for layer, one in zip(layers, state, strict=True)]

    def _walk(
        self, method: str, before, state, constant, over_time, training=False
    ) -> tuple[Any, list[Any]]:
        """Run all nodes, those with a memory by ``method``; ``before`` holds the earlier codes."""
        values = self._lookup_table(constant, over_time)
        remaining, states = iter(state), []
        for node in self._nodes:
            if self._codes in node.inputs:
                values[node.outputs[0]] = node.operation.encode(before)
            elif node.is_stepped:
                # A layer that only steps is stepped through whole inputs.
                run = getattr(node.operation, method, functools.partial(_step_along, node))
                values[node.outputs[0]], after = run(
                    node.gather(values.__getitem__), next(remaining)
                )
                states.append(after)
            elif method == "step" and type(node.operation) is keras.layers.Dense:
                # With a time axis TensorFlow spends longer on shapes than on the product.
                given = values[node.inputs[0]][:, 0]
                values[node.outputs[0]] = node.operation(given)[:, None]
            else:
                values.update(node.apply(values.__getitem__, training))
        return values[self._output], states

    def _lookup_table(self, constant, over_time) -> dict[int, Any]:
        sources = (iter(constant), iter(over_time))
        return {
            key: next(sources[is_over_time])
            for key, is_over_time in zip(self._static_keys, self._is_over_time, strict=True)
        }

    def _check(self, node) -> None:
        name = node.operation.name
        if self._codes in node.inputs:
            if not getattr(node.operation, "reads_previous", False):
                raise ValueError(
                    f"Cannot generate step by step: {name!r} reads the code of its own step. Only "
                    "a PreviousCode layer may read the codes; put it first."
                )
        elif not node.is_stepped and not is_pointwise(node):
            raise ValueError(refusal(node))


def _step_along(node: Node, inputs, state) -> tuple[Any, Any]:
    """Run a layer over whole inputs by its own ``step``."""
    layer = node.operation

    def visit(state, given):
        outputs, state = layer.step(given[0][:, None], state)
        return state, [outputs[:, 0]]

    time_first = ops.transpose(inputs, (1, 0, 2))
    length = ops.shape(time_first)[0]
    state, (outputs,) = scan(visit, state, [time_first], length, [layer.compute_dtype])
    return ops.transpose(outputs, (1, 0, 2)), state


def _settle(layer: Any, state: Any) -> Any:
    if hasattr(layer, "settled"):
        return layer.settled(state)
    if any(not len(x.shape) for x in keras.tree.flatten(state)):
        raise ValueError(
            f"{layer.name!r} remembers a number that is common to all sequences, so they must "
            "begin together. Give the layer a method settled(state), or the number a batch axis."
        )
    return state


def _is_over_time(spec: keras.KerasTensor) -> bool:
    return len(spec.shape) == 3 and spec.shape[1] != 1
