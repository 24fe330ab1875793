"""Causal layers: one file, one public class."""

from keras_ar.layers.causal_attention2d import CausalAttention2D
from keras_ar.layers.causal_dilated_conv1d import CausalDilatedConv1D
from keras_ar.layers.diagonal_bilstm import DiagonalBiLSTM
from keras_ar.layers.diagonal_recurrence import DiagonalRecurrence
from keras_ar.layers.gated_block import GatedBlock
from keras_ar.layers.gated_residual_block import GatedResidualBlock, concat_elu
from keras_ar.layers.gated_residual_block1d import GatedResidualBlock1D
from keras_ar.layers.gaussian_latents import GaussianLatents
from keras_ar.layers.line_lstm_cell import LineLSTMCell
from keras_ar.layers.mask_choice import MaskChoice
from keras_ar.layers.masked_conv2d import MaskedConv2D
from keras_ar.layers.masked_dense import MaskedDense
from keras_ar.layers.nade_layer import NADELayer
from keras_ar.layers.pixel_positions import PixelPositions
from keras_ar.layers.pixel_scaling import PixelScaling
from keras_ar.layers.previous_code import PreviousCode
from keras_ar.layers.recurrent import Recurrent
from keras_ar.layers.row_lstm import RowLSTM
from keras_ar.layers.row_recurrence import RowRecurrence
from keras_ar.layers.seen_values import SeenValues
from keras_ar.layers.shift2d import Shift2D
from keras_ar.layers.shifted_conv2d import ShiftedConv2D
from keras_ar.layers.shifted_conv2d_transpose import ShiftedConv2DTranspose
from keras_ar.layers.time_aligned_block import TimeAlignedBlock
from keras_ar.layers.upsample_frames import CutToLength, UpsampleFrames
from keras_ar.layers.weight_norm import data_dependent_initialization

__all__ = [
    "CausalAttention2D",
    "CausalDilatedConv1D",
    "CutToLength",
    "DiagonalBiLSTM",
    "DiagonalRecurrence",
    "GatedBlock",
    "GatedResidualBlock",
    "GatedResidualBlock1D",
    "GaussianLatents",
    "LineLSTMCell",
    "MaskChoice",
    "MaskedConv2D",
    "MaskedDense",
    "NADELayer",
    "PixelPositions",
    "PixelScaling",
    "PreviousCode",
    "Recurrent",
    "RowLSTM",
    "RowRecurrence",
    "SeenValues",
    "Shift2D",
    "ShiftedConv2D",
    "ShiftedConv2DTranspose",
    "TimeAlignedBlock",
    "UpsampleFrames",
    "concat_elu",
    "data_dependent_initialization",
]
