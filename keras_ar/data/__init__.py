"""Integer images, sound and text in memory, as streams, and as resumable training batches."""

from keras_ar.data.array_file import load_array_file
from keras_ar.data.audio import decode_audio, encode_audio, load_audio, sample_rate_of
from keras_ar.data.batches import ShuffledBatches
from keras_ar.data.catalog import (
    DATASETS,
    SPOKEN_DIGIT_SPEAKERS,
    AudioDataset,
    ImageDataset,
    TextDataset,
    dataset_info,
)
from keras_ar.data.contiguous import ContiguousBatches
from keras_ar.data.crops import RandomCrops
from keras_ar.data.examples import is_array_file, kind_of_examples, load_examples
from keras_ar.data.folder import load_folder
from keras_ar.data.images import load_images
from keras_ar.data.linear_pcm import linear_decode, linear_encode
from keras_ar.data.log_mel import log_mel
from keras_ar.data.mu_law import mu_law_decode, mu_law_encode
from keras_ar.data.padding import PADDING, lengths_of, pad_sequences
from keras_ar.data.pipeline import image_dataset
from keras_ar.data.text import load_text
from keras_ar.data.vocabulary import Vocabulary
from keras_ar.data.wav import read_wav, write_wav

__all__ = [
    "DATASETS",
    "PADDING",
    "SPOKEN_DIGIT_SPEAKERS",
    "AudioDataset",
    "ContiguousBatches",
    "ImageDataset",
    "RandomCrops",
    "ShuffledBatches",
    "TextDataset",
    "Vocabulary",
    "dataset_info",
    "decode_audio",
    "encode_audio",
    "image_dataset",
    "is_array_file",
    "kind_of_examples",
    "lengths_of",
    "linear_decode",
    "linear_encode",
    "load_array_file",
    "load_audio",
    "load_examples",
    "load_folder",
    "load_images",
    "load_text",
    "log_mel",
    "mu_law_decode",
    "mu_law_encode",
    "pad_sequences",
    "read_wav",
    "sample_rate_of",
    "write_wav",
]
