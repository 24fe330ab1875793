"""Which variants of the zoo tests try by default, where all would take long."""

__all__ = ["MORE_OF_THE_SAME", "ONE_OF_EACH_KIND"]

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
    "pixelcnn_cifar10",
    "pixelcnnpp_cifar10",
    "pixelcnnpp_cifar10_classes",
    "pixelrnn_row_cifar10",
    "wavenet_vocoder_spoken_digit",
}
