"""Read the network's outputs as logits of every level."""

from keras import ops

from keras_ar.distributions.inverse_cdf import sample_index
from keras_ar.distributions.likelihood import Likelihood
from keras_ar.distributions.require_tfp import require_tfp
from keras_ar.distributions.tensor import Tensor
from keras_ar.distributions.truncation import truncate_logits


class CategoricalLikelihood(Likelihood):
    """Give every level of every channel its own logit (a softmax).

    Output ``level * channels + channel`` is the logit of ``level`` in
    ``channel``: colour groups are interleaved, so feature map i belongs to
    channel ``i % channels``.

    Args:
        channels: Values per pixel.
        levels: Number of values that each of them can take.

    Raises:
        ValueError: If there is no channel, or fewer than two levels.

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks",
        arXiv:1601.06759, section 2.2.
    """

    @property
    def num_parameters(self) -> int:
        """One logit per level and channel."""
        return self.channels * self.levels

    @property
    def passes_per_pixel(self) -> int:
        """The network orders the channels: one pass for each."""
        return self.channels

    @property
    def noise_size(self) -> int:
        """One uniform number per channel."""
        return self.channels

    def distribution(self, parameters: Tensor) -> Tensor:
        """Build a ``tfd.Categorical`` of batch shape ``(..., channels)``."""
        logits = self._logits(self._float_parameters(parameters))
        require_tfp()
        import tensorflow_probability as tfp

        return tfp.distributions.Categorical(logits=ops.swapaxes(logits, -1, -2), dtype="int32")

    def _log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        log_probs = ops.log_softmax(self._logits(parameters), axis=-2)
        level = ops.arange(self.levels, dtype="float32")[:, None]
        # A choice, not a product with a one-hot: a level may have logit -inf.
        is_value = ops.equal(level, ops.expand_dims(values, -2))
        return ops.sum(ops.where(is_value, log_probs, 0.0), axis=(-2, -1))

    @property
    def can_truncate(self) -> bool:
        """Every level has a probability of its own."""
        return True

    def _sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: Tensor,
        truncation: tuple[()] | tuple[Tensor, Tensor],
    ) -> Tensor:
        logits = ops.swapaxes(self._logits(parameters), -1, -2)
        if len(temperature.shape):
            temperature = temperature[..., None]
        if not truncation:
            return sample_index(logits, noise, temperature)
        logits = (logits - ops.max(logits, axis=-1, keepdims=True)) / temperature
        return sample_index(truncate_logits(logits, *truncation), noise)

    def _logits(self, parameters: Tensor) -> Tensor:
        """Unfold the outputs to ``(..., levels, channels)``."""
        shape = (*ops.shape(parameters)[:-1], self.levels, self.channels)
        return ops.reshape(parameters, shape)
