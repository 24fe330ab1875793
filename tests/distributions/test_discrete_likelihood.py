"""The choice between a sigmoid and a softmax."""

import pytest

from keras_ar.distributions import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    discrete_likelihood,
)


def test_binary_values_have_one_logit_and_others_one_per_level():
    binary, several = discrete_likelihood(3, 2), discrete_likelihood(3, 4)
    assert (type(binary), binary.num_parameters) == (BernoulliLikelihood, 3)
    assert (type(several), several.num_parameters) == (CategoricalLikelihood, 12)
    assert (several.channels, several.levels) == (3, 4)


@pytest.mark.parametrize("sizes", [(0, 2), (0, 4), (1, 1)])
def test_what_no_likelihood_can_be_is_refused(sizes):
    with pytest.raises(ValueError, match="must be"):
        discrete_likelihood(*sizes)
