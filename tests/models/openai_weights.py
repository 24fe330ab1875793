"""Load weights named as in the authors' PixelCNN++ code into a ``PixelCNNPP``.

Their graph numbers convolutions, 1x1 convolutions ("dense"), transposed convolutions and
class projections in order of creation; this file walks our model in the same order.
"""

import re
from collections import Counter

import numpy as np


def _layers_in_order(model, num_blocks):
    """Yield (their kind, our layer) in the order in which their code creates variables."""

    def block(layer):
        yield "conv2d", layer.first
        if hasattr(layer, "merge"):
            yield "dense", layer.merge
        yield "conv2d", layer.second
        if hasattr(layer, "condition_projection"):
            yield "conditional_weights", layer.condition_projection

    def pair(name):
        return (model.get_layer(f"{stack}_{name}") for stack in ("vertical", "horizontal"))

    for name in ("vertical_first", "horizontal_first_above", "horizontal_first_left"):
        yield "conv2d", model.get_layer(name)
    for direction, change, kind in (("down", "halve", "conv2d"), ("up", "double", "deconv2d")):
        for stage in range(3):
            more = direction == "up" and stage > 0
            for index in range(num_blocks + more):
                for layer in pair(f"{direction}_{stage}_{index}"):
                    yield from block(layer)
            if stage < 2:
                for layer in pair(f"{change}_{stage}"):
                    yield kind, layer
    yield "dense", model.get_layer("head")


def output_order(num_mixtures: int, channels: int = 3) -> np.ndarray:
    """Return where each of our output channels stands among theirs (three colours)."""
    logits = np.arange(num_mixtures)
    colours = num_mixtures + np.arange(channels * 3 * num_mixtures).reshape(
        channels, 3, num_mixtures
    )
    return np.concatenate([logits, *(colours[:, part].ravel() for part in range(3))])


def assign_openai_weights(model, variables: dict[str, np.ndarray], num_blocks: int, mixtures: int):
    """Copy every variable; raise if one is left over or missing."""
    counts, used = Counter(), set()

    def take(name):
        used.add(name)
        return variables[name]

    for kind, layer in _layers_in_order(model, num_blocks):
        prefix = f"model/{kind}_{counts[kind]}"
        counts[kind] += 1
        if kind == "conditional_weights":
            layer.kernel.assign(take(f"{prefix}/hw"))
            continue
        direction, gain, bias = (take(f"{prefix}/{part}") for part in "Vgb")
        if layer.name == "head":
            order = output_order(mixtures)
            direction, gain, bias = direction[..., order], gain[order], bias[order]
        layer.direction_kernel.assign(direction.reshape(layer.direction_kernel.shape))
        layer.gain.assign(gain)
        layer.bias.assign(bias)
    left = {name for name in variables if re.match("model/.*/(V|g|b|hw)$", name)} - used
    if left:
        raise ValueError(f"Variables without a place: {sorted(left)}")
