"""Masked convolution: the layer that made PixelCNN possible."""

import keras
import numpy as np
from keras import ops

from keras_ar.layers.stepped_conv2d import SteppedConv2D

__all__ = ["MaskedConv2D", "causal_mask"]


def causal_mask(kernel_shape: tuple[int, int, int, int], mask_type: str, groups: int) -> np.ndarray:
    """Build the 0/1 mask of a kernel whose last row holds the present pixel.

    Feature map ``i`` belongs to colour group ``i % groups`` in every layer, so that maps can be
    added, concatenated or split in halves (all in multiples of ``groups``) without mixing colours.

    Args:
        kernel_shape: ``(rows, columns, input channels, output channels)``: the rows up to and
            including the present one. The present pixel is in the last row, in the middle column
            where there are rows above and in the last column where there are none.
        mask_type: ``"A"`` (strictly earlier values) or ``"B"`` (the own group too).
        groups: Colour groups per pixel.

    Returns:
        A float32 array of ``kernel_shape``.
    """
    rows, columns, inputs, outputs = kernel_shape
    centre = columns // 2 if rows > 1 else columns - 1
    mask = np.ones(kernel_shape, "float32")
    mask[-1, centre:] = 0.0
    group_in = np.arange(inputs)[:, None] % groups
    group_out = np.arange(outputs)[None, :] % groups
    is_earlier = group_in < group_out if mask_type == "A" else group_in <= group_out
    mask[-1, centre] = is_earlier
    return mask


@keras.saving.register_keras_serializable("keras_ar")
class MaskedConv2D(SteppedConv2D, keras.layers.Layer):
    """Convolve an image without looking at the present or the future.

    Values are ordered by raster scan over pixels and, inside a pixel, by colour group. Type
    ``"A"`` reads strictly earlier values and belongs at the input of a stack; type ``"B"`` also
    reads its own group and belongs everywhere else, 1x1 convolutions included.

    Only the taps that can be legal are stored and multiplied: the rows below the present pixel
    do not exist, and neither do the columns after it in a kernel of one row. What remains
    forbidden (the right half of the present row, later colours) is masked inside ``call``, so
    that no optimizer, initializer or loaded weight can open it.

    Args:
        filters: Output channels.
        kernel_size: Side of the square window in pixels, or ``(height, width)``; odd.
        mask_type: ``"A"`` or ``"B"``.
        groups: Colour groups per pixel: 3 for RGB, 1 for the pixel as a whole. Feature map ``i``
            belongs to group ``i % groups``.
        num_gates: Equal blocks of output maps, in each of which the groups are counted anew, so
            that every gate of a recurrent layer can be cut out with its colours in order.
        use_bias: Whether to add a bias.
        kernel_initializer: Initializer of the kernel.

    Shapes:
        Input: ``(batch, height, width, channels)``, float, any scale.
        Output: ``(batch, height, width, filters)``, compute dtype.

    Raises:
        ValueError: If ``kernel_size`` is even, ``mask_type`` is unknown, or there are fewer
            channels than groups.

    Example:
        >>> layer = MaskedConv2D(8, kernel_size=7, mask_type="A")
        >>> tuple(layer(keras.ops.zeros((1, 28, 28, 1))).shape[1:])
        (28, 28, 8)

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        section 3.4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        mask_type: str,
        groups: int = 1,
        *,
        num_gates: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(size) != 2 or any(side < 1 or side % 2 == 0 for side in size):
            raise ValueError(
                f"kernel_size must be odd, so that the window has a centre; got {kernel_size}."
            )
        if mask_type not in ("A", "B"):
            raise ValueError(f'mask_type must be "A" or "B"; got {mask_type!r}.')
        if groups < 1 or filters < groups * num_gates or filters % num_gates:
            gates = f", num_gates={num_gates}" if num_gates != 1 else ""
            raise ValueError(
                f"Every colour group needs a filter{' in every gate' if gates else ''}: got "
                f"filters={filters}, groups={groups}{gates}."
            )
        self.filters = filters
        self.kernel_size = size
        self.mask_type = mask_type
        self.groups = groups
        self.num_gates = num_gates
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels < self.groups:
            raise ValueError(
                f"{self.name}: {channels} input channels cannot be split into "
                f"{self.groups} colour groups."
            )
        height, width = self.kernel_size
        rows = height // 2 + 1
        columns = width if rows > 1 else width // 2 + 1
        shape = (rows, columns, channels, self.filters)
        block = (*shape[:-1], self.filters // self.num_gates)
        mask = causal_mask(block, self.mask_type, self.groups)
        self._mask = np.tile(mask, (1, 1, 1, self.num_gates))
        after = columns - 1 - width // 2
        self._padding = ((0, 0), (rows - 1, 0), (width // 2, after), (0, 0))
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=self.kernel_initializer
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: channels})
        self.built = True

    def call(self, inputs):
        if any(before + after for before, after in self._padding):
            inputs = ops.pad(inputs, self._padding)
        outputs = ops.conv(inputs, self.effective_kernel, padding="valid")
        return outputs + self.bias if self.use_bias else outputs

    @property
    def delay(self):
        """Type A without colours reads strictly earlier pixels."""
        return "column" if self.mask_type == "A" and self.groups == 1 else None

    def compute_kernel(self):
        """Return the kernel with the forbidden taps at zero."""
        kernel = ops.cast(self.kernel, self.compute_dtype)
        if self._mask.all():
            return kernel
        return kernel * ops.convert_to_tensor(self._mask, dtype=kernel.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "groups": self.groups,
            "num_gates": self.num_gates,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
