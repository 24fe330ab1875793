"""Pretrained models: one folder each, loaded by name."""

from keras_ar.zoo.catalog import describe, find_folder, list, load
from keras_ar.zoo.preset import save

__all__ = ["describe", "find_folder", "list", "load", "save"]
