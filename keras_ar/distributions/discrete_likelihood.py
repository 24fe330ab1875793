"""Choose what the outputs mean that give every level a probability of its own."""

from keras_ar.distributions.bernoulli_likelihood import BernoulliLikelihood
from keras_ar.distributions.categorical_likelihood import CategoricalLikelihood
from keras_ar.distributions.likelihood import Likelihood


def discrete_likelihood(channels: int, levels: int) -> Likelihood:
    """Give binary values one logit each, and others one per level.

    Args:
        channels: Values per pixel.
        levels: Number of values that each of them can take.

    Raises:
        ValueError: If there is no channel, or fewer than two levels.

    Example:
        >>> discrete_likelihood(1, levels=2).num_parameters
        1
        >>> discrete_likelihood(1, levels=4).num_parameters
        4
    """
    return BernoulliLikelihood(channels) if levels == 2 else CategoricalLikelihood(channels, levels)
