"""Output distributions: what the numbers that a network emits for one pixel mean."""

from typing import TYPE_CHECKING, Any

from keras_ar.distributions.bernoulli_likelihood import BernoulliLikelihood
from keras_ar.distributions.categorical_likelihood import CategoricalLikelihood
from keras_ar.distributions.discrete_likelihood import discrete_likelihood
from keras_ar.distributions.likelihood import Likelihood
from keras_ar.distributions.logistic_mixture_likelihood import LogisticMixtureLikelihood
from keras_ar.distributions.require_tfp import require_tfp

if TYPE_CHECKING:
    from keras_ar.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture

__all__ = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "DiscretizedLogisticMixture",
    "Likelihood",
    "LogisticMixtureLikelihood",
    "discrete_likelihood",
]


def __getattr__(name: str) -> Any:
    """Load the TensorFlow Probability class when it is first asked for."""
    if name != "DiscretizedLogisticMixture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_tfp()
    from keras_ar.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture

    return DiscretizedLogisticMixture
