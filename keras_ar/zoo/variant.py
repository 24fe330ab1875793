"""What the registry knows of a pretrained model."""

import dataclasses
import re

__all__ = ["Variant"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """A pretrained model of the zoo: which files are meant, and what they are worth.

    The hashes make a name mean one thing for ever: whatever a cache, a mirror or a repository
    holds, files with other hashes are not this variant. ``repo_id`` and ``revision`` are ``None``
    until the folder has been published; nothing but a commit that exists may stand there.

    Args:
        name: ``<family>[_<size>]_<dataset>[_<note>]``; also the name of its folder.
        repo_id: ``organisation/name`` on the Hugging Face Hub.
        revision: The commit there, 40 hexadecimal digits.
        weights_sha256: Hash of ``model.weights.h5``, or of ``model.weights.json``, the index of
            weights in shards, which holds the hashes of the shards.
        weights_size: Size of the files of weights in bytes.
        config_sha256: Hash of ``config.json``.
        license: Licence of the weights, as the Hub spells it.
        paper: The paper's arXiv id.
        model_class: Name of the class in ``keras_ar``.
        parameters: Number of weights.
        dataset: What it was trained on.
        metric: ``"nats_per_image"`` or ``"bits_per_dim"``.
        value: The result on the whole test split.

    Raises:
        ValueError: If a hash or a commit is not one, or only half of the address is given.

    Example:
        >>> variant = keras_ar.zoo.REGISTRY["pixelcnn_binarized_mnist"]
        >>> variant.license
        'apache-2.0'
    """

    name: str
    repo_id: str | None
    revision: str | None
    weights_sha256: str
    weights_size: int
    config_sha256: str
    license: str
    paper: str
    model_class: str
    parameters: int
    dataset: str
    metric: str
    value: float

    def __post_init__(self) -> None:
        for digest in (self.weights_sha256, self.config_sha256):
            if not re.fullmatch("[0-9a-f]{64}", digest):
                raise ValueError(f"{self.name}: {digest!r} is not a sha256.")
        if (self.repo_id is None) != (self.revision is None):
            raise ValueError(f"{self.name}: give both repo_id and revision, or neither.")
        if self.revision is not None and not re.fullmatch("[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"{self.name}: {self.revision!r} is not a commit; branches and tags can move, so "
                "the registry wants 40 hexadecimal digits."
            )

    @property
    def is_published(self) -> bool:
        """Whether the folder lies on the Hub."""
        return self.revision is not None
