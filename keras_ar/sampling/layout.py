"""What the pieces of the incremental engine need to know about a network."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras

__all__ = ["Layout"]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Keys, types and sizes of a network that was taken apart.

    Attributes:
        images: Key of the images.
        output: Key of the parameters.
        specs: Shape and type of every tensor, by key.
        stepped: Indices of the nodes with a memory, in the order of the graph.
        passes: How often the network runs to draw the colours of one pixel.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """

    images: int
    output: int
    specs: Mapping[int, keras.KerasTensor]
    stepped: Sequence[int]
    passes: int
    height: int
    width: int

    def dtype(self, key: int) -> str:
        """Return the type of a tensor."""
        return keras.backend.standardize_dtype(self.specs[key].dtype)
