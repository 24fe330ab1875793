"""keras_ar: deep autoregressive models for Keras 3, with pretrained weights.

Importing the package registers every layer and model with Keras. It imports neither
TensorFlow Probability nor TensorFlow Datasets; what needs them loads them when used.
"""

from keras_ar import data, distributions, layers, models, sampling, zoo
from keras_ar.models import AutoregressiveModel, GatedPixelCNN, PixelCNN, PixelCNNPP, PixelRNN
from keras_ar.receptive_field import receptive_field
from keras_ar.serving import export
from keras_ar.version import __version__

__all__ = [
    "AutoregressiveModel",
    "GatedPixelCNN",
    "PixelCNN",
    "PixelCNNPP",
    "PixelRNN",
    "__version__",
    "data",
    "distributions",
    "export",
    "layers",
    "models",
    "receptive_field",
    "sampling",
    "zoo",
]
