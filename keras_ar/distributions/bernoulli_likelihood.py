"""Read the network's outputs as logits of binary values."""

from keras import ops

from keras_ar.distributions.inverse_cdf import logistic_noise
from keras_ar.distributions.likelihood import Likelihood
from keras_ar.distributions.require_tfp import require_tfp
from keras_ar.distributions.tensor import Tensor


class BernoulliLikelihood(Likelihood):
    """Give every binary value its own logit.

    Args:
        channels: Values per pixel.

    Raises:
        ValueError: If there is no channel.

    Source:
        Larochelle and Murray (2011), "The Neural Autoregressive Distribution
        Estimator", section 3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, levels=2)

    @property
    def num_parameters(self) -> int:
        """One logit per channel."""
        return self.channels

    @property
    def passes_per_pixel(self) -> int:
        """The network orders the channels: one pass for each."""
        return self.channels

    @property
    def noise_size(self) -> int:
        """One uniform number per channel."""
        return self.channels

    def distribution(self, parameters: Tensor) -> Tensor:
        """Build a ``tfd.Bernoulli`` of batch shape ``(..., channels)``."""
        logits = self._float_parameters(parameters)
        require_tfp()
        import tensorflow_probability as tfp

        return tfp.distributions.Bernoulli(logits=logits, dtype="int32")

    def _log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        return ops.sum(ops.log_sigmoid((2.0 * values - 1.0) * parameters), axis=-1)

    def _sample(
        self, parameters: Tensor, noise: Tensor, temperature: Tensor, truncation: tuple[()]
    ) -> Tensor:
        return ops.cast(parameters + temperature * logistic_noise(noise) > 0.0, "int32")
