"""Pretrained models: one folder each, loaded by name."""

from keras_ar.zoo.catalog import describe, find_folder, list, load
from keras_ar.zoo.preset import save
from keras_ar.zoo.registry import REGISTRY
from keras_ar.zoo.variant import Variant

__all__ = ["REGISTRY", "Variant", "describe", "find_folder", "list", "load", "save"]
