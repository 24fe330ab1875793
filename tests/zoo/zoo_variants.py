"""The variants of the zoo as parameters of a test, most of them for -m slow only."""

from collections.abc import Container

import pytest

import keras_ar

__all__ = ["MORE_OF_THE_SAME", "ONE_OF_EACH_KIND", "zoo_variants"]

# Images, vectors, sound and text.
ONE_OF_EACH_KIND = {
    "charrnn_tiny_shakespeare",
    "nade_binarized_mnist",
    "pixelcnnpp_cifar10",
    "wavenet_spoken_digit",
}


# What another variant of the same class shows in less time; an ensemble over orders takes longest.
MORE_OF_THE_SAME = {
    "convnade_binarized_mnist",
    "deepnade_binarized_mnist",
    "gated_pixelcnn_binarized_mnist",
    "gated_pixelcnn_cifar10",
    "pixelcnnpp_cifar10",
    "pixelcnnpp_cifar10_classes",
    "wavenet_vocoder_spoken_digit",
}


def zoo_variants(fast: Container[str]) -> list:
    """Return the names of all variants, those marked slow that are not in ``fast``."""
    return [
        pytest.param(name, marks=() if name in fast else pytest.mark.slow)
        for name in keras_ar.zoo.list()
    ]
