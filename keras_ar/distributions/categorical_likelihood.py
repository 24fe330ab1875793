"""Read the network's outputs as logits of every level."""

import math
from collections.abc import Callable

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
        logits = self._fold(parameters)
        highest = ops.stop_gradient(self._reduce(ops.max, logits))
        rest = self._reduce(ops.sum, ops.exp(logits - self._spread(highest)))
        # A choice, not a product with a one-hot: a level may have logit -inf.
        is_value = ops.equal(self._fold_levels(), self._spread(values))
        chosen = self._reduce(ops.sum, ops.where(is_value, logits, 0.0))
        return ops.sum(chosen - highest - ops.log(rest), axis=-1)

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

    # Reductions over the levels of a few channels stride through the memory. Folded, the logits
    # of several levels stand side by side in a row, and most of a reduction adds up whole rows.

    @property
    def _levels_per_row(self) -> int:
        """Levels side by side in one row: the divisor of ``levels`` next to its square root."""
        if self.channels == 1:
            return 1
        root = math.isqrt(self.levels)
        return next(width for width in range(root, 0, -1) if self.levels % width == 0)

    def _fold(self, parameters: Tensor) -> Tensor:
        """Reshape the outputs to ``(..., rows, levels per row * channels)``."""
        width = self._levels_per_row * self.channels
        return ops.reshape(parameters, (*ops.shape(parameters)[:-1], -1, width))

    def _fold_levels(self) -> Tensor:
        """Return the level of every folded logit."""
        return self._fold(ops.repeat(ops.arange(self.levels, dtype="float32"), self.channels))

    def _reduce(self, operation: Callable, folded: Tensor) -> Tensor:
        """Reduce folded values over all levels, to ``(..., channels)``."""
        row = operation(folded, axis=-2)
        shape = (*ops.shape(row)[:-1], self._levels_per_row, self.channels)
        return operation(ops.reshape(row, shape), axis=-2)

    def _spread(self, per_channel: Tensor) -> Tensor:
        """Repeat values of ``(..., channels)`` for every level of a row."""
        return ops.expand_dims(ops.tile(per_channel, self._levels_per_row), -2)
