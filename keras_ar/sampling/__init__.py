"""Generation: the order of the pixels, the noise, and the compiled step."""

from keras_ar.sampling.beam_search import BeamSearch
from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.masked_dense_network import MaskedDenseNetwork
from keras_ar.sampling.noise import uniform_noise
from keras_ar.sampling.ordered import OrderedSampler
from keras_ar.sampling.ordered_network import OrderedNetwork
from keras_ar.sampling.progress import progress_bar
from keras_ar.sampling.raster import draw_pixel, generate_raster
from keras_ar.sampling.sampler import IncrementalSampler
from keras_ar.sampling.sequence import CODES_PER_PASS, SequenceSampler, draw_code
from keras_ar.sampling.sequence_network import SequenceNetwork
from keras_ar.sampling.whole_pass_network import WholePassNetwork

__all__ = [
    "CODES_PER_PASS",
    "BeamSearch",
    "IncrementalSampler",
    "MaskedDenseNetwork",
    "OrderedNetwork",
    "OrderedSampler",
    "SequenceNetwork",
    "SequenceSampler",
    "WholePassNetwork",
    "compile_function",
    "draw_code",
    "draw_pixel",
    "generate_raster",
    "progress_bar",
    "uniform_noise",
]
