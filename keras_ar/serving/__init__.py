"""Export for TensorFlow Serving: named signatures that need no Python."""

from keras_ar.serving.saved_model import export
from keras_ar.serving.signatures import signature_names

__all__ = ["export", "signature_names"]
