"""The tiny variant, registered for the length of a test."""

import hashlib
import pathlib

from keras_ar.zoo.variant import Variant

REPO = "keras-ar-tests/tiny"


def tiny_variant(commit: str, config_sha256: str, weights_sha256: str, size: int = 0) -> Variant:
    return Variant(
        name="tiny",
        repo_id=REPO,
        revision=commit,
        weights_sha256=weights_sha256,
        weights_size=size,
        config_sha256=config_sha256,
        license="apache-2.0",
        paper="1601.06759",
        model_class="PixelCNN",
        parameters=1,
        dataset="none",
        metric="nats_per_image",
        value=0.0,
    )


def digests_of(files: dict[str, bytes]) -> list[str]:
    """Hash what the registry pins, in the order in which ``tiny_variant`` takes it."""
    weights = "model.weights.h5" if "model.weights.h5" in files else "model.weights.json"
    return [hashlib.sha256(files[name]).hexdigest() for name in ("config.json", weights)]


def register(monkeypatch, files: dict[str, bytes], commit: str) -> Variant:
    size = sum(len(data) for name, data in files.items() if ".weights." in name)
    variant = tiny_variant(commit, *digests_of(files), size)
    for module in ("location", "catalog"):
        monkeypatch.setattr(f"keras_ar.zoo.{module}.REGISTRY", {"tiny": variant})
    return variant


def files_of(folder: pathlib.Path) -> dict[str, bytes]:
    """Read all files of a folder and of the folders in it, by their names in a repository."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
