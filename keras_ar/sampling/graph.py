"""Take a functional model apart into the operations that generation runs one by one."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["Node", "expand_graph", "is_pointwise"]

# Classes of Keras operations, by name: most of them are not public.
_ELEMENTWISE_OPERATIONS = re.compile(
    "Abs|Absolute|Add|Cast|Celu|Clip|Cos|Divide|DivideNoNan|Elu|Equal|Exp|Expm1|Gelu|Greater"
    "|GreaterEqual|HardSigmoid|HardSilu|HardTanh|Identity|LeakyRelu|Less|LessEqual|Log|Log1p"
    "|LogSigmoid|LogicalAnd|LogicalNot|LogicalOr|Maximum|Minimum|Mish|Multiply|Negative|NotEqual"
    "|OnesLike|Power|Reciprocal|Relu|Relu6|Rsqrt|Selu|Sigmoid|Sign|Silu|Sin|Softplus|Softsign"
    "|Sqrt|Square|Subtract|Tanh|TrueDivide|Where|ZerosLike"
)
_LAST_AXIS_OPERATIONS = re.compile("Concatenate|LogSoftmax|Softmax|Split")
_POINTWISE_LAYERS = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LayerNormalization,
    keras.layers.LeakyReLU,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.Softmax,
    keras.layers.SpatialDropout2D,
    keras.layers.Subtract,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """One operation of the graph, applied to certain tensors.

    Attributes:
        operation: Keras layer or operation.
        arguments: Positional arguments, with ``keras.KerasTensor`` as place holders.
        keywords: Keyword arguments likewise.
        inputs: Keys of the tensors among the arguments.
        outputs: Keys of the results.
        input_shape: Shape of the first tensor among the arguments.
        specs: Shapes and types of the results, by key.
        key_of: Keys of those tensors whose key is not their ``id``.
    """

    operation: Any
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shape: tuple[int | None, ...]
    specs: Mapping[int, keras.KerasTensor]
    key_of: Mapping[int, int]

    @property
    def is_stepped(self) -> bool:
        """Whether the operation has a memory: it is run by its own ``step``."""
        return hasattr(self.operation, "step")

    def apply(self, lookup: Callable[[int], Any], training: bool = False) -> dict[int, Any]:
        """Run the operation on the values that ``lookup`` finds for its inputs."""
        arguments, keywords = keras.tree.map_structure(
            lambda x: lookup(self._key(x)) if isinstance(x, keras.KerasTensor) else x,
            (self.arguments, dict(self.keywords)),
        )
        # As Keras does: what was recorded when the graph was made does not count.
        if "training" in inspect.signature(self.operation.call).parameters:
            keywords["training"] = training
        outputs = keras.tree.flatten(self.operation(*arguments, **keywords))
        return dict(zip(self.outputs, outputs, strict=True))

    def gather(self, lookup: Callable[[int], Any]) -> Any:
        """Return what a layer with a memory reads, in its compute dtype as ``call`` gets it."""
        values = []
        for value in map(lookup, self.inputs):
            dtype = keras.backend.standardize_dtype(value.dtype)
            is_float = keras.backend.is_float_dtype(dtype)
            values.append(ops.cast(value, self.operation.compute_dtype) if is_float else value)
        return values[0] if len(values) == 1 else values

    def _key(self, tensor: keras.KerasTensor) -> int:
        return self.key_of.get(id(tensor), id(tensor))


def expand_graph(
    inputs: Sequence[keras.KerasTensor], output: keras.KerasTensor
) -> tuple[list[Node], int]:
    """List the operations between ``inputs`` and ``output`` so that each follows its inputs.

    A layer that only combines other layers (``is_composite``, and nested models) is replaced by
    what its ``call`` does.

    Returns:
        The nodes, and the key of the output. The key of an input is its ``id``.
    """
    nodes: list[Node] = []
    key_of: dict[int, int] = {}
    known = {id(tensor) for tensor in inputs}

    def expand(tensors: Sequence[keras.KerasTensor]) -> None:
        for keras_node in _in_order(tensors, known):
            operation = keras_node.operation
            call = keras_node.arguments
            if _is_composite(operation):
                inner = keras.tree.flatten(operation.call(*call.args, **call.kwargs))
                expand(inner)
                for outer, tensor in zip(keras_node.outputs, inner, strict=True):
                    key_of[id(outer)] = key_of.get(id(tensor), id(tensor))
            else:
                given = [x for x in keras.tree.flatten((call.args, call.kwargs)) if _is_symbol(x)]
                nodes.append(
                    Node(
                        operation=operation,
                        arguments=call.args,
                        keywords=call.kwargs,
                        inputs=tuple(key_of.get(id(x), id(x)) for x in given),
                        outputs=tuple(id(x) for x in keras_node.outputs),
                        input_shape=tuple(given[0].shape),
                        specs={id(x): x for x in keras_node.outputs},
                        key_of=key_of,
                    )
                )
            known.update(id(x) for x in keras_node.outputs)

    expand([output])
    return nodes, key_of.get(id(output), id(output))


def is_pointwise(node: Node) -> bool:
    """Whether the operation treats every position of a map alike and by itself."""
    operation = node.operation
    if getattr(operation, "is_pointwise", False):
        return True
    if isinstance(operation, keras.layers.Layer):
        return _is_pointwise_layer(operation, len(node.input_shape))
    name = type(operation).__name__
    if _ELEMENTWISE_OPERATIONS.fullmatch(name):
        return not any(_varies_over_positions(x) for x in node.arguments)
    if _LAST_AXIS_OPERATIONS.fullmatch(name):
        return operation.axis in (-1, len(node.input_shape) - 1)
    return name == "GetItem" and _keeps_positions(node.arguments[1], len(node.input_shape))


def _is_pointwise_layer(layer: keras.layers.Layer, rank: int) -> bool:
    if isinstance(layer, (keras.layers.Conv1D, keras.layers.Conv2D)):
        return set((*layer.kernel_size, *layer.strides)) == {1}
    if not isinstance(layer, _POINTWISE_LAYERS):
        return False
    axis = getattr(layer, "axis", -1)
    return axis in (-1, rank - 1, [-1], [rank - 1], (-1,), (rank - 1,))


def _keeps_positions(index: Any, rank: int) -> bool:
    """Whether indexing touches the last axis only."""
    parts = index if isinstance(index, tuple) else (index,)
    if parts and parts[0] is Ellipsis:
        return len(parts) == 2 and isinstance(parts[1], slice)
    whole = slice(None)
    return (
        len(parts) == rank
        and isinstance(parts[-1], slice)
        and set(map(str, parts[:-1])) == {str(whole)}
    )


def _varies_over_positions(value: Any) -> bool:
    """Whether a constant has axes besides the last one, as a map of weights would."""
    if _is_symbol(value) or not hasattr(value, "shape"):
        return False
    return any(side != 1 for side in tuple(value.shape)[:-1])


def _is_composite(operation: Any) -> bool:
    return getattr(operation, "is_composite", False) or isinstance(operation, keras.Model)


def _is_symbol(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _in_order(tensors: Sequence[keras.KerasTensor], known: set[int]) -> list[Any]:
    """List the Keras nodes that make ``tensors`` from ``known`` ones, inputs first."""
    order, done = [], set()
    stack = [(tensor, False) for tensor in reversed(tensors)]
    while stack:
        tensor, is_ready = stack.pop()
        if id(tensor) in known:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) in done:
            continue
        if is_ready:
            done.add(id(node))
            order.append(node)
        else:
            stack.append((tensor, True))
            stack.extend((x, False) for x in reversed(node.input_tensors))
    return order
