"""Which files the names of the zoo stand for."""

# Written by scripts/render_registry.py from the folders of zoo/: do not edit.
# A repo_id and revision of None say that the variant has not been published yet.

import types
from collections.abc import Mapping

from keras_ar.zoo.variant import Variant

__all__ = ["REGISTRY"]

_VARIANTS = (
    Variant(
        name="deepnade_binarized_mnist",
        repo_id=None,
        revision=None,
        weights_sha256="84384dd49bd066cbc6c0030866e3c3993cd86b5842d90bd8ebf28d5022dff285",
        weights_size=2_878_696,
        config_sha256="33285a12824256bb9d66a84f8c090c55eade851b07ae4cacc504d2f5e8160b7d",
        license="apache-2.0",
        paper="1310.1757",
        model_class="DeepNADE",
        parameters=1_427_784,
        dataset="binarized_mnist",
        metric="nats_per_image",
        value=89.0877,
    ),
    Variant(
        name="gated_pixelcnn_mnist",
        repo_id=None,
        revision=None,
        weights_sha256="daada63582826ecfd0c09fd697be0f7f4b59f807e8c02531f15d9fd0a4d297b5",
        weights_size=752_664,
        config_sha256="7c7d6952c71b01790b12de72d1f0ab120e6dcd9c191ab710b8bfa813341bf402",
        license="apache-2.0",
        paper="1606.05328",
        model_class="GatedPixelCNN",
        parameters=315_744,
        dataset="mnist",
        metric="bits_per_dim",
        value=1.0733,
    ),
    Variant(
        name="nade_binarized_mnist",
        repo_id=None,
        revision=None,
        weights_sha256="d7b20389f07ef02b59e5680fa325c7690b1320c57195df24b76a40e4a71bd67b",
        weights_size=1_586_480,
        config_sha256="19650363fb0744e47544c198672b06d1d01aca8a15012f3b820a8e724769da26",
        license="apache-2.0",
        paper="1605.02226",
        model_class="NADE",
        parameters=785_284,
        dataset="binarized_mnist",
        metric="nats_per_image",
        value=87.9943,
    ),
    Variant(
        name="pixelcnn_binarized_mnist",
        repo_id=None,
        revision=None,
        weights_sha256="4b4263d8a2d6322f96a66410c0a0c2ec35b127c6360b9140dffe5117ac2b661d",
        weights_size=411_312,
        config_sha256="0af06d59f10f376f8c976303f52ee1bb8254dd1dd9e77088ad1c36cab6e6e847",
        license="apache-2.0",
        paper="1601.06759",
        model_class="PixelCNN",
        parameters=160_641,
        dataset="binarized_mnist",
        metric="nats_per_image",
        value=82.2314,
    ),
    Variant(
        name="pixelcnnpp_cifar10",
        repo_id=None,
        revision=None,
        weights_sha256="76041b3b521cd183cf70c097fb9806791a1c92904ea80a0f045f414ba3a40d4c",
        weights_size=1_374_840,
        config_sha256="7ff693fca86155ae9ab1be94b4d7a9a2da68838585f1472fab5a4d7d0fe26462",
        license="apache-2.0",
        paper="1701.05517",
        model_class="PixelCNNPP",
        parameters=577_060,
        dataset="cifar10",
        metric="bits_per_dim",
        value=3.7516,
    ),
    Variant(
        name="pixelrnn_row_binarized_mnist",
        repo_id=None,
        revision=None,
        weights_sha256="141f8dc1e7c094e2c09132c423f763487d5c01a327d64a0c88fda77f5cc953e7",
        weights_size=289_280,
        config_sha256="98037f62383c0cbcaa73a0d67c58df814ffc442e74e1fefcac136b32b3661b4a",
        license="apache-2.0",
        paper="1601.06759",
        model_class="PixelRNN",
        parameters=96_233,
        dataset="binarized_mnist",
        metric="nats_per_image",
        value=81.6506,
    ),
)

REGISTRY: Mapping[str, Variant] = types.MappingProxyType({v.name: v for v in _VARIANTS})
