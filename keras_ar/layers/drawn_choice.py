"""What is drawn anew for every training batch, and chosen when exact numbers are wanted."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["DrawnChoice"]


class DrawnChoice(keras.layers.Layer):
    """Base of layers that draw a choice at random, unless they are given one.

    Args:
        seed: Seed of the draws.
    """

    def __init__(self, *, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._given: Any = None

    @contextlib.contextmanager
    def given(self, choice: Any) -> Iterator[None]:
        """Take ``choice`` instead of drawing one inside the block."""
        before, self._given = self._given, choice
        try:
            yield
        finally:
            self._given = before

    def get_config(self):
        return super().get_config() | {"seed": self.seed}
