"""Models: one file per paper, all of them an ``AutoregressiveModel``."""

from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.gated_pixelcnn import GatedPixelCNN
from keras_ar.models.pixelcnn import PixelCNN
from keras_ar.models.pixelcnnpp import PixelCNNPP
from keras_ar.models.pixelrnn import PixelRNN

__all__ = ["AutoregressiveModel", "GatedPixelCNN", "PixelCNN", "PixelCNNPP", "PixelRNN"]
