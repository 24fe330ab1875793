"""The tiny variant, registered for the length of a test."""

import hashlib

from keras_ar.zoo.variant import Variant

REPO = "keras-ar-tests/tiny"


def register(monkeypatch, files: dict[str, bytes], commit: str) -> Variant:
    variant = Variant(
        name="tiny",
        repo_id=REPO,
        revision=commit,
        weights_sha256=hashlib.sha256(files["model.weights.h5"]).hexdigest(),
        weights_size=len(files["model.weights.h5"]),
        config_sha256=hashlib.sha256(files["config.json"]).hexdigest(),
        license="apache-2.0",
        paper="1601.06759",
        model_class="PixelCNN",
        parameters=1,
        dataset="none",
        metric="nats_per_image",
        value=0.0,
    )
    for module in ("location", "catalog"):
        monkeypatch.setattr(f"keras_ar.zoo.{module}.REGISTRY", {"tiny": variant})
    return variant
