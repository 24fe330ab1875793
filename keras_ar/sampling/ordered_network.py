"""What a network of vectors must be able to do to be run value by value."""

from typing import Any, Protocol

__all__ = ["OrderedNetwork"]


class OrderedNetwork(Protocol):
    """The second execution of a model of vectors: one value at a time, in an order.

    Values are numbered by ``index``, their natural place, and visited by ``place``, their rank in
    the order. A network with one order may ignore ``index``, one without order ``place``. All
    methods are functions of tensors and run inside compiled loops.
    """

    def prepare(self, component) -> Any:
        """Compute once what no value changes, for one component (order and mask) of the model."""

    def initial_state(self, prepared: Any, values, is_seen) -> Any:
        """Return the memory that knows ``values`` where they are seen, by index.

        Args:
            prepared: From ``prepare``.
            values: int32 ``(batch, size)``.
            is_seen: bool ``(batch, size)``; what is seen comes first in the order.
        """

    def predict(self, state: Any, prepared: Any, place, index) -> Any:
        """Return the parameters of the values at ``index`` (batch,): ``(batch, parameters)``."""

    def absorb(self, state: Any, prepared: Any, place, index, value) -> Any:
        """Return the memory that knows the int32 values ``(batch,)`` at ``index`` as well."""
