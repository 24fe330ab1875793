"""Read the network's outputs as a mixture of discretised logistics."""

from keras import ops

from keras_ar.distributions import logistic_mixture_math
from keras_ar.distributions.likelihood import Likelihood
from keras_ar.distributions.require_tfp import require_tfp
from keras_ar.distributions.tensor import Tensor


class LogisticMixtureLikelihood(Likelihood):
    """Give the channels of a pixel jointly, as a mixture of discretised logistics.

    One component is shared by the channels of a pixel; inside it the mean of a
    channel is linear in the earlier channels. The outputs come in blocks:
    ``num_mixtures`` logits, then means, then log-scales (each channel by
    channel, ``num_mixtures`` for each), then coefficients (``num_mixtures``
    for each pair: green on red, blue on red, blue on green).

    Args:
        channels: Values per pixel.
        levels: Number of values that each of them can take.
        num_mixtures: Components of the mixture.
        min_log_scale: Log-scales below are raised to it.

    Attributes:
        num_mixtures: Components of the mixture.
        min_log_scale: Smallest log-scale.

    Raises:
        ValueError: If there is no channel, no component, fewer than two levels,
            or ``min_log_scale`` is beyond -80..80.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, sections 2.1 and
        2.2. Deviations: the mass of a bin is exact, and samples are rounded
        channel by channel, so that they follow the law exactly.
    """

    def __init__(
        self, channels: int, levels: int, num_mixtures: int, min_log_scale: float = -7.0
    ) -> None:
        super().__init__(channels, levels)
        if num_mixtures < 1:
            raise ValueError(f"num_mixtures must be at least 1, got {num_mixtures}.")
        logistic_mixture_math.check_min_log_scale(min_log_scale)
        self.num_mixtures = num_mixtures
        self.min_log_scale = min_log_scale

    @property
    def num_parameters(self) -> int:
        """Logits, means, log-scales and coefficients of every component."""
        return self.num_mixtures * (1 + 2 * self.channels + self._num_pairs)

    @property
    def passes_per_pixel(self) -> int:
        """One pass gives the joint law of the pixel."""
        return 1

    @property
    def noise_size(self) -> int:
        """One uniform number for the component and one per channel."""
        return 1 + self.channels

    def split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Separate the blocks of the network's outputs.

        Args:
            parameters: The network's outputs, any float dtype.

        Shapes:
            parameters: ``(..., num_parameters)``.
            Output: float32 logits ``(..., K)``, means ``(..., channels, K)``,
                clipped log-scales ``(..., channels, K)`` and coefficients
                ``(..., channels * (channels - 1) / 2, K)`` before tanh, where K is
                ``num_mixtures``.

        Raises:
            ValueError: If the last axis has the wrong size.
        """
        parameters = self._float_parameters(parameters)
        batch = ops.shape(parameters)[:-1]
        rows = (self.channels, self.channels, self._num_pairs)
        # One split: its gradient is one concatenation, where slices would be padded and added.
        ends = [self.num_mixtures * (1 + sum(rows[:index])) for index in range(len(rows))]
        logits, *blocks = ops.split(parameters, ends, axis=-1)
        means, log_scales, coefficients = (
            ops.reshape(block, (*batch, count, self.num_mixtures))
            for block, count in zip(blocks, rows, strict=True)
        )
        log_scales = logistic_mixture_math.clip_log_scales(log_scales, self.min_log_scale)
        return logits, means, log_scales, coefficients

    def distribution(self, parameters: Tensor) -> Tensor:
        """Build a ``DiscretizedLogisticMixture`` of event shape ``(channels,)``."""
        logits, means, log_scales, coefficients = self.split(parameters)
        require_tfp()
        from keras_ar.distributions.discretized_logistic_mixture import (
            DiscretizedLogisticMixture,
        )

        return DiscretizedLogisticMixture(
            logits,
            means,
            log_scales,
            coefficients if self.channels > 1 else None,
            levels=self.levels,
            min_log_scale=self.min_log_scale,
        )

    def _log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        return logistic_mixture_math.log_mixture_prob(
            values, *self.split(parameters), levels=self.levels
        )

    def _sample(
        self, parameters: Tensor, noise: Tensor, temperature: Tensor, truncation: tuple[()]
    ) -> Tensor:
        return logistic_mixture_math.sample_mixture(
            noise, *self.split(parameters), levels=self.levels, temperature=temperature
        )

    @property
    def _num_pairs(self) -> int:
        """Pairs of a channel and an earlier one."""
        return self.channels * (self.channels - 1) // 2
