"""What needs TensorFlow Probability is loaded when it is asked for, or refused by name."""

import keras
import pytest

import keras_ar.distributions
from keras_ar.distributions import BernoulliLikelihood
from keras_ar.distributions.require_tfp import require_tfp


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Gaussian'"):
        _ = keras_ar.distributions.Gaussian


def test_another_backend_is_named_when_a_distribution_is_asked_for(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ImportError, match="its backend is 'numpy'"):
        _ = keras_ar.distributions.DiscretizedLogisticMixture
    with pytest.raises(ImportError, match="its backend is 'numpy'"):
        BernoulliLikelihood(1).distribution([[0.0]])


def test_a_missing_tensorflow_probability_is_named(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install"):
        require_tfp()
