"""Run a convolutional network that reads any set of seen values, value by value."""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

__all__ = ["OrderlessConvolutionNetwork"]


class OrderlessConvolutionNetwork:
    """The second execution of a ConvNADE: compute only what reaches the wanted value.

    A value that is seen changes all maps behind it, so the maps are computed anew for every value.
    But only a window of the last ones reaches one output: a layer whose window costs less than
    its whole map is computed there alone.

    Args:
        shrinking: ``Conv2D`` layers with ``valid`` borders, from the values and the mask on.
        growing: The ``Conv2DTranspose`` layers that follow, one for each of them.
        encode: Turns int32 values into what the first layer reads.
        image_shape: ``(height, width, channels)``.
    """

    def __init__(
        self,
        shrinking: Sequence[Any],
        growing: Sequence[Any],
        encode: Callable,
        image_shape: tuple[int, int, int],
    ):
        self._encode = encode
        self._image_shape = image_shape
        self._reach = growing[0].kernel_size[0] - 1
        height, width, _ = image_shape
        left = len(growing)
        # The last layer's window is a single pixel, which costs no more than any map.
        while self._side(left - 1) ** 2 > (height - left * self._reach) * (
            width - left * self._reach
        ):
            left -= 1
        first = len(growing) - left
        self._whole, self._windowed = [*shrinking, *growing[:first]], growing[first:]

    def prepare(self, component):
        # A transposed convolution reads backwards what it reads.
        return [
            ops.cast(
                ops.transpose(ops.flip(layer.kernel, axis=(0, 1)), (0, 1, 3, 2)),
                layer.compute_dtype,
            )
            for layer in self._windowed
        ]

    def initial_state(self, prepared, values, is_seen):
        seen = ops.cast(is_seen, "float32")
        maps = [self._encode(values) * seen, seen]
        return ops.concatenate([ops.reshape(x, (-1, *self._image_shape)) for x in maps], axis=-1)

    def predict(self, state, prepared, place, index):
        maps = state
        for layer in self._whole:
            maps = layer(maps)
        channels = self._image_shape[2]
        pixel, channel = index // channels, index % channels
        outputs = self._at(maps, prepared, pixel)
        outputs = ops.reshape(outputs, (-1, channels, outputs.shape[-1] // channels))
        return ops.take_along_axis(outputs, channel[:, None, None], axis=1)[:, 0]

    def absorb(self, state, prepared, place, index, value):
        height, width, channels = self._image_shape
        is_here = ops.equal(ops.arange(height * width * channels)[None], index[:, None])
        is_here = ops.reshape(is_here, (-1, *self._image_shape))
        encoded = ops.reshape(self._encode(value), (-1, 1, 1, 1))
        features, seen = state[..., :channels], state[..., channels:]
        maps = [ops.where(is_here, encoded, features), ops.where(is_here, 1.0, seen)]
        return ops.concatenate(maps, axis=-1)

    def _side(self, layers: int) -> int:
        """Return the side of the window from which the last ``layers`` compute one pixel."""
        return layers * self._reach + 1

    def _at(self, maps, kernels, pixel):
        """Compute the outputs ``(batch, n)`` of one pixel per example."""
        left, width = len(self._windowed), self._image_shape[1]
        row, column = pixel // width, pixel % width
        # Outside the map no place is equal, and the window zero.
        rows, columns = (
            ops.cast(ops.equal(self._places(start, left)[..., None], ops.arange(side)), maps.dtype)
            for start, side in zip((row, column), maps.shape[1:3], strict=True)
        )
        window = ops.einsum("bah,bhwf->bawf", rows, maps)
        window = ops.einsum("bcw,bawf->bacf", columns, window)
        for layer, kernel in zip(self._windowed, kernels, strict=True):
            left -= 1
            window = ops.conv(ops.cast(window, kernel.dtype), kernel, padding="valid")
            window = layer.activation(window + ops.cast(layer.bias, kernel.dtype))
            if left:
                window = ops.where(self._is_inside(row, column, left), window, 0)
        return window[:, 0, 0]

    def _places(self, start, left: int):
        """Return the rows or columns ``(batch, side)`` that reach pixels ``left`` layers later."""
        return start[:, None] + ops.arange(-left * self._reach, 1)

    def _is_inside(self, row, column, left: int):
        """Say which pixels of the window are pixels of the map before the last ``left`` layers."""
        inside = []
        for start, side in zip((row, column), self._image_shape, strict=False):
            places = self._places(start, left)
            inside.append(ops.logical_and(places >= 0, places < side - left * self._reach))
        return ops.logical_and(inside[0][:, :, None, None], inside[1][:, None, :, None])
