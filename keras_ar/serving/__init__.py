"""Export for TensorFlow Serving: named signatures that need no Python."""

from keras_ar.serving.saved_model import export, signature_names

__all__ = ["export", "signature_names"]
