"""Models: one file per paper, all but the classifier of videos an ``AutoregressiveModel``."""

from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.charrnn import CharRNN
from keras_ar.models.convnade import ConvNADE
from keras_ar.models.deepnade import DeepNADE
from keras_ar.models.fvsbn import FVSBN
from keras_ar.models.gated_pixelcnn import GatedPixelCNN
from keras_ar.models.made import MADE
from keras_ar.models.nade import NADE
from keras_ar.models.neural_autoregressive import NeuralAutoregressive
from keras_ar.models.pixelcnn import PixelCNN
from keras_ar.models.pixelcnnpp import PixelCNNPP
from keras_ar.models.pixelrnn import PixelRNN
from keras_ar.models.pixelsnail import PixelSNAIL
from keras_ar.models.pixelvae import PixelVAE
from keras_ar.models.sequence_model import SequenceModel
from keras_ar.models.tcn import TemporalConvNet
from keras_ar.models.time_aligned_densenet import TimeAlignedDenseNet
from keras_ar.models.wavenet import WaveNet

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
    "SequenceModel",
    "TemporalConvNet",
    "TimeAlignedDenseNet",
    "WaveNet",
]
