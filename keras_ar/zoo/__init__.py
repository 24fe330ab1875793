"""Pretrained models: one folder each, loaded by name."""

from keras_ar.zoo.catalog import describe, find_folder, list, load, load_vocabulary
from keras_ar.zoo.golden import write_golden
from keras_ar.zoo.own_card import write_own_card
from keras_ar.zoo.preset import save
from keras_ar.zoo.publishing import Publication, publish
from keras_ar.zoo.registry import REGISTRY
from keras_ar.zoo.variant import Variant

__all__ = [
    "REGISTRY",
    "Publication",
    "Variant",
    "describe",
    "find_folder",
    "list",
    "load",
    "load_vocabulary",
    "publish",
    "save",
    "write_golden",
    "write_own_card",
]
