"""What importing the package must not bring along."""

import subprocess
import sys

import keras
import pytest

import keras_ar.distributions
from keras_ar.distributions import BernoulliLikelihood
from keras_ar.distributions.require_tfp import require_tfp


def test_importing_the_package_does_not_import_tensorflow_probability():
    program = (
        "import sys, keras_ar.distributions; "
        "sys.exit(any(name.split('.')[0] == 'tensorflow_probability' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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
