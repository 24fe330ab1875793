"""Which variants of the zoo tests try by default, where all would take long."""

__all__ = ["ONE_OF_EACH_KIND"]

# An image, a vector, sound and text: of each kind one that takes little time.
ONE_OF_EACH_KIND = {
    "gated_pixelcnn_mnist",
    "nade_binarized_mnist",
    "tcn_tiny_shakespeare",
    "wavenet_spoken_digit",
}
