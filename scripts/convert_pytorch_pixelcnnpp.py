"""Turn a state dict of the PyTorch port of PixelCNN++ into a model folder.

    python scripts/convert_pytorch_pixelcnnpp.py --state_dict pcnn.pth \
        --output models/pixelcnnpp_cifar10_pytorch

The port is pclucas14/pixel-cnn-pp. A ``.pth`` file is read by PyTorch's safe reader, which builds
tensors and nothing else (``weights_only``); that needs ``pip install torch``. An ``.npz`` file
with the same names needs nothing. Sizes follow from the shapes, and the outputs of the converted
model are compared with a second computation before anything is written.
"""

import pathlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from absl import app, flags

_STATE = flags.DEFINE_string("state_dict", None, "The .pth or .npz file.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "The model folder to write.", required=True)
_SIDE = flags.DEFINE_integer("side", 32, "Height and width of the images.", lower_bound=4)

# Where the output axis ends up, and the order of axes that TensorFlow keeps.
_LAYOUTS = {"conv2d": (-1, (2, 3, 1, 0)), "deconv2d": (2, (2, 3, 1, 0)), "dense": (-1, (1, 0))}

# What torch.nn.utils.parametrizations.weight_norm calls the two.
_PARAMETRIZED = ("parametrizations.weight.original0", "parametrizations.weight.original1")


def read_state(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Read a state dict without running anything that the file might hold.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the file needs PyTorch and it is missing.
        ValueError: If it holds anything but tensors.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            state = dict(file)
    else:
        try:
            import torch
        except ImportError:
            raise ImportError(
                f"Reading {path.name} needs PyTorch (pip install torch); or save its state dict "
                "as an .npz file where PyTorch is installed."
            ) from None
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
            state = {name: tensor.float().numpy() for name, tensor in loaded.items()}
        except Exception:
            # The safe reader refuses with a page of advice on how to read the file unsafely.
            raise ValueError(
                f"{path} is not a state dict of tensors, or holds more than that: it is refused."
            ) from None
    # A network wrapped in DataParallel puts its own name before all others.
    return {name.removeprefix("module."): values for name, values in state.items()}


def _places(num_blocks: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) of every layer, in the order of the authors' code."""

    def block(name: str, merges: bool) -> Iterator[tuple[str, str]]:
        yield "conv2d", f"{name}.conv_input.conv"
        if merges:
            yield "dense", f"{name}.nin_skip.lin_a"
        yield "conv2d", f"{name}.conv_out.conv"

    for name in ("u_init", "ul_init.0", "ul_init.1"):
        yield "conv2d", f"{name}.conv"
    for direction, change, kind in (("up", "downsize", "conv"), ("down", "upsize", "deconv")):
        for stage in range(3):
            more = direction == "down" and stage > 0
            for index in range(num_blocks + more):
                for stream in ("u", "ul"):
                    name = f"{direction}_layers.{stage}.{stream}_stream.{index}"
                    yield from block(name, merges=direction == "down" or stream == "ul")
            if stage < 2:
                for stream in ("u", "ul"):
                    yield f"{kind}2d", f"{change}_{stream}_stream.{stage}.{kind}"
    yield "dense", "nin_out.lin_a"


def _kernel(state: Mapping[str, np.ndarray], name: str, used: set[str]) -> np.ndarray:
    """Return a layer's kernel, whichever way PyTorch stored its weight normalisation."""
    for parts in (("weight_g", "weight_v"), _PARAMETRIZED):
        gain, direction = (f"{name}.{part}" for part in parts)
        if gain in state and direction in state:
            used |= {gain, direction}
            v = state[direction]
            # PyTorch normalises over all axes but the first, in transposed convolutions too.
            norm = np.sqrt(np.sum(v**2, axis=tuple(range(1, v.ndim)), keepdims=True))
            return state[gain] * v / norm
    if f"{name}.weight" not in state:
        raise ValueError(f"The state dict has no weight {name}: it is not this port's PixelCNN++.")
    used.add(f"{name}.weight")
    return state[f"{name}.weight"]


def to_authors_names(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights under the names, and in the layout, of the authors' code.

    Raises:
        ValueError: If a tensor is missing or left over.
    """
    blocks = {name for name in state if re.match(r"up_layers\.0\.u_stream\.\d+\.", name)}
    num_blocks = len({name.split(".")[3] for name in blocks})
    counts, variables, used = Counter(), {}, set()
    for kind, name in _places(num_blocks):
        kernel, bias = _kernel(state, name, used), f"{name}.bias"
        if bias not in state:
            raise ValueError(f"The state dict has no {bias}: it is not this port's PixelCNN++.")
        used.add(bias)
        output, axes = _LAYOUTS[kind]
        kernel = np.transpose(kernel, axes)
        others = tuple(axis for axis in range(kernel.ndim) if axis != output % kernel.ndim)
        prefix = f"model/{kind}_{counts[kind]}"
        counts[kind] += 1
        variables[f"{prefix}/V"] = kernel
        variables[f"{prefix}/g"] = np.sqrt(np.sum(kernel**2, axis=others))
        variables[f"{prefix}/b"] = state[bias]
    if left := sorted(set(state) - used):
        raise ValueError(f"The state dict has tensors without a place: {', '.join(left[:5])}.")
    return variables


def main(argv: list[str]) -> None:
    """Convert, compare, write."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    from pixelcnnpp_folder import write_folder

    path = pathlib.Path(_STATE.value)
    variables = to_authors_names(read_state(path))
    channels = variables["model/conv2d_0/V"].shape[2] - 1
    folder = write_folder(
        variables,
        (_SIDE.value, _SIDE.value, channels),
        _OUTPUT.value,
        source="pclucas14/pixel-cnn-pp, a PyTorch state dict",
        file=path.name,
    )
    print(f"Wrote {folder}.")


if __name__ == "__main__":
    app.run(main)
