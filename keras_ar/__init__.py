"""keras_ar: deep autoregressive models for Keras 3, with pretrained weights.

Importing the package registers every layer and model with Keras. It imports neither
TensorFlow Probability nor TensorFlow Datasets; what needs them loads them when used.
"""

from keras_ar import data, distributions, layers, models, sampling, zoo
from keras_ar.models import (
    FVSBN,
    MADE,
    NADE,
    AutoregressiveModel,
    CharRNN,
    ConvNADE,
    DeepNADE,
    GatedPixelCNN,
    NeuralAutoregressive,
    PixelCNN,
    PixelCNNPP,
    PixelRNN,
    PixelSNAIL,
    PixelVAE,
    TemporalConvNet,
    TimeAlignedDenseNet,
    WaveNet,
)
from keras_ar.receptive_field import input_gradients, receptive_field
from keras_ar.serving import export
from keras_ar.version import __version__

__all__ = [
    "FVSBN",
    "MADE",
    "NADE",
    "AutoregressiveModel",
    "CharRNN",
    "ConvNADE",
    "DeepNADE",
    "GatedPixelCNN",
    "NeuralAutoregressive",
    "PixelCNN",
    "PixelCNNPP",
    "PixelRNN",
    "PixelSNAIL",
    "PixelVAE",
    "TemporalConvNet",
    "TimeAlignedDenseNet",
    "WaveNet",
    "__version__",
    "data",
    "distributions",
    "export",
    "input_gradients",
    "layers",
    "models",
    "receptive_field",
    "sampling",
    "zoo",
]
