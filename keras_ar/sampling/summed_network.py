"""Run networks whose outputs are added, value by value."""

from collections.abc import Sequence

from keras_ar.sampling.ordered_network import OrderedNetwork

__all__ = ["SummedNetwork"]


class SummedNetwork:
    """Predict the sum of what several networks predict; each keeps a memory of its own.

    Args:
        networks: The networks.
    """

    def __init__(self, networks: Sequence[OrderedNetwork]):
        self._networks = tuple(networks)

    def prepare(self, component):
        return tuple(network.prepare(component) for network in self._networks)

    def initial_state(self, prepared, values, is_seen):
        return tuple(
            network.initial_state(of_it, values, is_seen)
            for network, of_it in zip(self._networks, prepared, strict=True)
        )

    def predict(self, state, prepared, place, index):
        parts = zip(self._networks, state, prepared, strict=True)
        return sum(network.predict(*of_it, place, index) for network, *of_it in parts)

    def absorb(self, state, prepared, place, index, value):
        parts = zip(self._networks, state, prepared, strict=True)
        return tuple(network.absorb(*of_it, place, index, value) for network, *of_it in parts)
