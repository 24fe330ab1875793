import functools
import pathlib
import warnings

import keras
import numpy as np
import pytest

from keras_ar import zoo
from keras_ar.data import Vocabulary, write_wav
from keras_ar.models import GatedPixelCNN, PixelCNN, WaveNet
from keras_ar.zoo.assets import VOCABULARY, write_vocabulary
from keras_ar.zoo.model_files import sha256_of
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


RATE, HOP = 1000, 10
CHARACTERS = "\n :ABEMORT"  # The tests of sound and text count on these.
RECIPE = """
    variant = "tiny"
    model = {class = "WaveNet"}
    training = {steps = 1, batch_size = 1, learning_rate = 1.0}
"""


def wavenet(vocabulary_size: int, **options) -> WaveNet:
    keras.utils.set_random_seed(0)
    small = {"num_stacks": 1, "layers_per_stack": 3, "filters": 4, "skip_filters": 4}
    model = WaveNet(vocabulary_size, **small, **options)
    # Fresh weights hardly look at what came before, and a wrong order would not be seen.
    for weight in model.trainable_variables:
        weight.assign(3.0 * weight)
    return model


def write_recipe(folder: pathlib.Path, data: str, more: str = "") -> pathlib.Path:
    (folder / "recipe.toml").write_text(f"{RECIPE}\ndata = {{{data}}}\n{more}")
    return folder


@pytest.fixture(scope="session")
def digit_folder(tmp_path_factory) -> pathlib.Path:
    """A model of sound, conditioned on digit and speaker."""
    model = wavenet(256, num_classes=(10, 6))
    folder = write(model, tmp_path_factory.mktemp("digit"), sample_rate=RATE)
    return write_recipe(folder, 'name = "spoken_digit", labels = true')


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory) -> pathlib.Path:
    """A model of 16-bit sound without a condition, and without a recipe."""
    model = wavenet(65536, num_mixtures=2)
    return write(model, tmp_path_factory.mktemp("sound"), sample_rate=RATE)


@pytest.fixture(scope="session")
def vocoder_folder(tmp_path_factory) -> pathlib.Path:
    model = wavenet(256, num_classes=3, num_features=4, upsampling=(2, HOP // 2))
    folder = write(model, tmp_path_factory.mktemp("vocoder"), sample_rate=RATE)
    return write_recipe(
        folder, 'name = "own_recordings"', '[sequence]\nlength = 50\nfeatures = "log_mel"\n'
    )


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("text")
    write_vocabulary(Vocabulary(CHARACTERS), folder)
    model = wavenet(len(CHARACTERS))
    write(model, folder, vocabulary_sha256=sha256_of(folder / VOCABULARY))
    return write_recipe(folder, 'name = "own.txt"', "[sequence]\nlength = 50\n")


@pytest.fixture(scope="session")
def nameless_folder(tmp_path_factory) -> pathlib.Path:
    """A model of sequences that nobody says anything about."""
    return write(wavenet(4), tmp_path_factory.mktemp("nameless"))


@functools.cache
def load_once(name: str) -> keras.Model:
    return _load(name)


_load = zoo.load


@pytest.fixture
def loaded_once(monkeypatch):
    """Let all tests share loaded models, and so what was compiled for them."""
    monkeypatch.setattr(zoo, "load", lambda name: load_once(str(name)))


@pytest.fixture
def recording(tmp_path) -> pathlib.Path:
    """A file of a quarter of a second."""
    times = np.arange(RATE // 4) / RATE
    write_wav(tmp_path / "given.wav", 0.5 * np.sin(2 * np.pi * 40 * times), RATE)
    return tmp_path / "given.wav"
