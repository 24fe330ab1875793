"""PixelCNN++ weights under the names of the authors' code, and a second opinion on them.

Their graph numbers convolutions, 1x1 convolutions ("dense"), transposed convolutions and class
projections in order of creation: ``model/conv2d_0/V``, ``g``, ``b``, ... This module finds out
the sizes of such a network, copies its weights into a ``keras_ar.PixelCNNPP``, and computes its
outputs once more with nothing but convolutions, so that a conversion can be checked on the spot.

Source:
    Salimans et al. (2017), arXiv:1701.05517; the order of creation is that of openai/pixel-cnn.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["assign_weights", "find_sizes", "layers_in_order", "output_order", "reference_outputs"]

_NUM_STAGES = 3
# A network of n blocks per stage has 2 * (3n + 3n + 2) blocks, of two convolutions each, 3 first
# ones and 4 that halve.
_BLOCKS = {2 * 2 * (6 * n + 2) + 7: n for n in range(1, 65)}


def find_sizes(variables: Mapping[str, np.ndarray], channels: int = 3) -> dict[str, Any]:
    """Return the arguments of ``PixelCNNPP`` that the shapes speak of.

    Raises:
        ValueError: If this is no PixelCNN++.
    """
    convolutions = sum(bool(re.fullmatch(r"model/conv2d_\d+/V", name)) for name in variables)
    heads = [name for name in variables if re.fullmatch(r"model/dense_\d+/V", name)]
    first = variables.get("model/conv2d_0/V")
    if convolutions not in _BLOCKS or not heads or first is None or first.ndim != 4:
        raise ValueError(
            f"These {len(variables)} variables are not a PixelCNN++: it has model/conv2d_0/V, "
            f"g and b, model/dense_0/V and so on; {convolutions} convolutions were found."
        )
    if first.shape[:3] != (2, 3, channels + 1):
        raise ValueError(
            f"model/conv2d_0/V has shape {first.shape}; a network for {channels} colours begins "
            f"with (2, 3, {channels + 1}, filters)."
        )
    head = variables[max(heads, key=lambda name: int(re.search(r"\d+", name)[0]))]
    classes = variables.get("model/conditional_weights_0/hw")
    per_mixture = 1 + 2 * channels + channels * (channels - 1) // 2
    return {
        "filters": first.shape[-1],
        "num_blocks": _BLOCKS[convolutions],
        "num_mixtures": head.shape[-1] // per_mixture,
        "num_classes": None if classes is None else classes.shape[0],
    }


def layers_in_order(model, num_blocks: int) -> Iterator[tuple[str, Any]]:
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
        for stage in range(_NUM_STAGES):
            more = direction == "up" and stage > 0
            for index in range(num_blocks + more):
                for layer in pair(f"{direction}_{stage}_{index}"):
                    yield from block(layer)
            if stage < _NUM_STAGES - 1:
                for layer in pair(f"{change}_{stage}"):
                    yield kind, layer
    yield "dense", model.get_layer("head")


def output_order(num_mixtures: int, channels: int = 3) -> np.ndarray:
    """Return where each of our output channels stands among theirs (grey, or three colours)."""
    logits = np.arange(num_mixtures)
    parts = 3 if channels == 3 else 2
    colours = num_mixtures + np.arange(channels * parts * num_mixtures).reshape(
        channels, parts, num_mixtures
    )
    return np.concatenate([logits, *(colours[:, part].ravel() for part in range(parts))])


def assign_weights(model, variables: Mapping[str, np.ndarray], num_blocks: int, mixtures: int):
    """Copy every variable into the model.

    Raises:
        ValueError: If one is left over, missing, or of another shape.
    """
    counts, used = Counter(), set()

    def take(name, shape):
        used.add(name)
        if name not in variables:
            raise ValueError(f"The variable {name} is missing.")
        if variables[name].size != np.prod(shape):
            raise ValueError(f"{name} has shape {variables[name].shape}; expected {shape}.")
        return variables[name]

    for kind, layer in layers_in_order(model, num_blocks):
        prefix = f"model/{kind}_{counts[kind]}"
        counts[kind] += 1
        if kind == "conditional_weights":
            layer.kernel.assign(take(f"{prefix}/hw", layer.kernel.shape))
            continue
        direction, gain, bias = (
            take(f"{prefix}/{part}", variable.shape)
            for part, variable in zip(
                "Vgb", (layer.direction_kernel, layer.gain, layer.bias), strict=True
            )
        )
        if layer.name == "head":
            order = output_order(mixtures, model.image_shape[-1])
            direction, gain, bias = direction[..., order], gain[order], bias[order]
        layer.direction_kernel.assign(direction.reshape(layer.direction_kernel.shape))
        layer.gain.assign(gain)
        layer.bias.assign(bias)
    left = {name for name in variables if re.match("model/.*/(V|g|b|hw)$", name)} - used
    if left:
        raise ValueError(f"Variables without a place: {sorted(left)[:5]}.")


def reference_outputs(
    variables: Mapping[str, np.ndarray], images: np.ndarray, classes: np.ndarray | None = None
) -> np.ndarray:
    """Compute the network's outputs from their variables, without any layer of keras_ar.

    Args:
        variables: By their names.
        images: uint8 ``(batch, height, width, channels)``.
        classes: Class ids ``(batch,)`` of a class-conditional network.

    Returns:
        ``(batch, height, width, outputs)``, in their order of outputs.
    """
    import tensorflow as tf

    counts = Counter()
    num_blocks = find_sizes(variables, images.shape[-1])["num_blocks"]

    def weights(kind, axes):
        prefix = f"model/{kind}_{counts[kind]}"
        counts[kind] += 1
        v, g, b = (tf.constant(variables[f"{prefix}/{part}"]) for part in "Vgb")
        if kind == "deconv2d":
            g = g[:, None]
        return v * g * tf.math.rsqrt(tf.reduce_sum(v**2, axes, keepdims=True)), b

    def conv(x, kind, stride=1):
        """``kind`` is "down" (nothing from below) or "right" (nor from the right)."""
        kernel, bias = weights("conv2d", [0, 1, 2])
        rows, columns = kernel.shape[:2]
        side = ((columns - 1) // 2,) * 2 if kind == "down" else (columns - 1, 0)
        x = tf.pad(x, [(0, 0), (rows - 1, 0), side, (0, 0)])
        return tf.nn.conv2d(x, kernel, stride, "VALID") + bias

    def deconv(x, kind):
        kernel, bias = weights("deconv2d", [0, 1, 3])
        rows, columns = kernel.shape[:2]
        batch, height, width, _ = x.shape
        shape = (batch, 2 * height + rows - 1, 2 * width + columns - 1, kernel.shape[2])
        x = tf.nn.conv2d_transpose(x, kernel, shape, 2, "VALID") + bias
        start = (columns - 1) // 2 if kind == "down" else 0
        return x[:, : 2 * height, start : start + 2 * width]

    def dense(x):
        kernel, bias = weights("dense", [0])
        return tf.tensordot(x, kernel, 1) + bias

    def concat_elu(x):
        return tf.nn.elu(tf.concat([x, -x], -1))

    def resnet(x, kind, a=None):
        hidden = conv(concat_elu(x), kind)
        if a is not None:
            hidden += dense(concat_elu(a))
        hidden = conv(concat_elu(hidden), kind)
        if classes is not None:
            name = f"model/conditional_weights_{counts['hw']}/hw"
            counts["hw"] += 1
            hidden += tf.gather(variables[name], classes)[:, None, None, :]
        left, right = tf.split(hidden, 2, -1)
        return x + left * tf.sigmoid(right)

    def shift(x, down=0, right=0):
        return tf.pad(x, [(0, 0), (down, 0), (right, 0), (0, 0)])[:, : x.shape[1], : x.shape[2]]

    x = tf.constant(images.astype("float32") / 127.5 - 1.0)
    x = tf.concat([x, tf.ones_like(x[..., :1])], -1)
    u = [shift(conv(x, "down"), down=1)]
    ul = [shift(conv(x, "down"), down=1)]
    ul[0] += shift(conv(x, "right"), right=1)
    for stage in range(_NUM_STAGES):
        for _ in range(num_blocks):
            u.append(resnet(u[-1], "down"))
            ul.append(resnet(ul[-1], "right", u[-1]))
        if stage < _NUM_STAGES - 1:
            u.append(conv(u[-1], "down", 2))
            ul.append(conv(ul[-1], "right", 2))
    above, before = u.pop(), ul.pop()
    for stage in range(_NUM_STAGES):
        for _ in range(num_blocks + (stage > 0)):
            above = resnet(above, "down", u.pop())
            before = resnet(before, "right", tf.concat([above, ul.pop()], -1))
        if stage < _NUM_STAGES - 1:
            above, before = deconv(above, "down"), deconv(before, "right")
    return dense(tf.nn.elu(before)).numpy()
