"""Generation: the order of the pixels, the noise, and the compiled step."""

from keras_ar.sampling.compiled import compile_function
from keras_ar.sampling.noise import uniform_noise
from keras_ar.sampling.progress import progress_bar
from keras_ar.sampling.raster import draw_pixel, generate_raster
from keras_ar.sampling.sampler import IncrementalSampler

__all__ = [
    "IncrementalSampler",
    "compile_function",
    "draw_pixel",
    "generate_raster",
    "progress_bar",
    "uniform_noise",
]
