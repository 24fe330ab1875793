"""Integer images in memory, as streams, and as resumable training batches."""

from keras_ar.data.array_file import load_array_file
from keras_ar.data.batches import ShuffledBatches
from keras_ar.data.catalog import DATASETS, ImageDataset, dataset_info
from keras_ar.data.examples import is_array_file, load_examples
from keras_ar.data.folder import load_folder
from keras_ar.data.images import load_images
from keras_ar.data.pipeline import image_dataset

__all__ = [
    "DATASETS",
    "ImageDataset",
    "ShuffledBatches",
    "dataset_info",
    "image_dataset",
    "is_array_file",
    "load_array_file",
    "load_examples",
    "load_folder",
    "load_images",
]
