import pathlib
import warnings

import keras
import pytest

from keras_ar.models import GatedPixelCNN, PixelCNN
from keras_ar.zoo.preset import save

HEIGHT, WIDTH = 6, 5


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Undo what ``main`` does to the environment."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")


def write(model: keras.Model, folder: pathlib.Path, **metadata) -> pathlib.Path:
    with warnings.catch_warnings():
        # Keras 3.15 reads its variables in a way that NumPy 2 deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        return save(model, folder, metadata=metadata)


@pytest.fixture(scope="session")
def binary_folder(tmp_path_factory) -> pathlib.Path:
    keras.utils.set_random_seed(0)
    model = PixelCNN((HEIGHT, WIDTH, 1), levels=2, filters=4, num_blocks=1, head_filters=4)
    return write(model, tmp_path_factory.mktemp("binary"), card={"paper": "None"})


def gated_pixelcnn(**options) -> GatedPixelCNN:
    keras.utils.set_random_seed(0)
    return GatedPixelCNN((HEIGHT, WIDTH, 1), filters=4, num_blocks=1, head_filters=4, **options)


@pytest.fixture(scope="session")
def conditional_folder(tmp_path_factory) -> pathlib.Path:
    return write(gated_pixelcnn(levels=4, num_classes=3), tmp_path_factory.mktemp("conditional"))


@pytest.fixture(scope="session")
def embedding_folder(tmp_path_factory) -> pathlib.Path:
    model = gated_pixelcnn(levels=2, condition_shape=(2,))
    return write(model, tmp_path_factory.mktemp("embedding"))
