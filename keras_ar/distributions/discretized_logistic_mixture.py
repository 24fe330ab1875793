"""Offer the mixture of discretised logistics as a TensorFlow Probability distribution."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ar.distributions import logistic_mixture_math, logistic_mixture_summary
from keras_ar.distributions.legal_values import legal_values
from keras_ar.distributions.tensor import Tensor

# Half the step of a float32 uniform draw: what a draw of 0 stands for, kept inside (0, 1).
_MIN_NOISE = 2.0**-24


class DiscretizedLogisticMixture(tfp.distributions.Distribution):
    """Give the channels of a pixel jointly, as a mixture of discretised logistics.

    The values are the integers ``0..levels-1``, which lie on [-1, 1] where the
    parameters live. One component is drawn per pixel; inside it channel c is a
    logistic around ``means[c]`` plus, for every earlier channel e,
    ``tanh(coefficients[pair])`` times the value of e, with the mass of every bin
    exact and the tails given to the end levels.

    ``mean()`` is exact, in levels. Every combination of the earlier channels is
    visited: one position costs ``levels ** channels * K`` evaluations, in
    ``levels ** max(channels - 2, 0)`` steps, so it is cheap for one channel, and
    seconds for one pixel of three channels and 256 levels.

    ``mode()`` is exact for one channel. For several it is a local maximum, found
    from K starts: every component's own mode, channel after channel; the most
    probable of them then climbs, one channel at a time over all its levels,
    until nothing changes.

    Args:
        logits: Mixture logits.
        means: Centres on [-1, 1].
        log_scales: Natural logs of the scales on [-1, 1].
        coefficients: Weights of the earlier channels before tanh, in the order
            (1, 0), (2, 0), (2, 1), (3, 0), ...: green on red, blue on red, blue
            on green. May be None for one channel.
        levels: Number of values that each channel can take.
        min_log_scale: Log-scales below are raised to it.
        validate_args: Whether values that are not legal raise; otherwise their
            log probability is NaN.
        allow_nan_stats: As in every TensorFlow Probability distribution.
        name: Prefix of the operations' names.

    Shapes:
        logits: ``(..., K)``.
        means: ``(..., channels, K)``.
        log_scales: ``(..., channels, K)``.
        coefficients: ``(..., channels * (channels - 1) / 2, K)``.
        Event: int32 ``(channels,)``. Batch: the leading axes, broadcast.

    Raises:
        ValueError: If the shapes do not fit each other, ``coefficients`` is
            missing for several channels, there are fewer than two levels, or
            ``min_log_scale`` is beyond -80..80.

    Source:
        Salimans et al. (2017), "PixelCNN++", arXiv:1701.05517, sections 2.1 and
        2.2. Deviations: the mass of a bin is exact, and samples are rounded
        channel by channel, so that they follow the law exactly.
    """

    def __init__(
        self,
        logits: Tensor,
        means: Tensor,
        log_scales: Tensor,
        coefficients: Tensor | None = None,
        levels: int = 256,
        min_log_scale: float = -7.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscretizedLogisticMixture",
    ) -> None:
        parameters = dict(locals())
        if not 2 <= levels <= 2**24:
            raise ValueError(f"levels must be between 2 and 2**24, got {levels}.")
        logistic_mixture_math.check_min_log_scale(min_log_scale)
        self._logits = _keep_variable(logits)
        self._means = _keep_variable(means)
        self._log_scales = _keep_variable(log_scales)
        self._coefficients = None if coefficients is None else _keep_variable(coefficients)
        self._levels = levels
        self._min_log_scale = min_log_scale
        self._channels = _checked_channels(
            self._logits, self._means, self._log_scales, self._coefficients
        )
        super().__init__(
            dtype=tf.int32,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            name=name,
        )

    @property
    def logits(self) -> Tensor:
        """Mixture logits, as given."""
        return self._logits

    @property
    def means(self) -> Tensor:
        """Centres on [-1, 1], as given."""
        return self._means

    @property
    def log_scales(self) -> Tensor:
        """Natural logs of the scales, as given: not yet raised to ``min_log_scale``."""
        return self._log_scales

    @property
    def coefficients(self) -> Tensor | None:
        """Weights of the earlier channels before tanh, as given."""
        return self._coefficients

    @property
    def levels(self) -> int:
        """Number of values that each channel can take."""
        return self._levels

    @property
    def min_log_scale(self) -> float:
        """Smallest log-scale."""
        return self._min_log_scale

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: int | None = None) -> dict[str, Any]:
        """Count the trailing axes of every parameter that belong to one event."""
        properties = tfp.util.ParameterProperties
        return {
            "logits": properties(event_ndims=1),
            "means": properties(event_ndims=2),
            "log_scales": properties(event_ndims=2),
            "coefficients": properties(event_ndims=2),
        }

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape([self._channels])

    def _event_shape_tensor(self) -> Tensor:
        return tf.constant([self._channels], dtype=tf.int32)

    def _log_prob(self, value: Tensor) -> Tensor:
        value, is_legal = legal_values(value, self._levels)
        log_prob = logistic_mixture_math.log_mixture_prob(
            value, *self._float_parameters(), levels=self._levels
        )
        return tf.where(tf.reduce_all(is_legal, axis=-1), log_prob, float("nan"))

    def _sample_n(self, n: Tensor, seed: Any = None, **kwargs: Any) -> Tensor:
        shape = tf.concat([[n], self.batch_shape_tensor(), [1 + self._channels]], axis=0)
        seed = tfp.random.sanitize_seed(seed, salt="DiscretizedLogisticMixture")
        noise = tf.random.stateless_uniform(shape, seed, minval=_MIN_NOISE)
        return logistic_mixture_math.sample_mixture(
            noise, *self._float_parameters(), levels=self._levels
        )

    def _mean(self, **kwargs: Any) -> Tensor:
        return logistic_mixture_summary.mixture_mean(
            *self._broadcast_parameters(), levels=self._levels
        )

    def _mode(self, **kwargs: Any) -> Tensor:
        return logistic_mixture_summary.mixture_mode(
            *self._broadcast_parameters(), levels=self._levels
        )

    def _sample_control_dependencies(self, value: Tensor, **kwargs: Any) -> list[Tensor]:
        if not self.validate_args:
            return []
        _, is_legal = legal_values(value, self._levels)
        message = f"A value is not an integer of 0..{self._levels - 1}."
        return [tf.debugging.assert_equal(is_legal, True, message=message)]

    def _default_event_space_bijector(self) -> None:
        """Have none: the values are integers."""
        return None

    def _float_parameters(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Give the parameters as the formulas want them: float32, log-scales clipped."""
        coefficients = self._coefficients
        log_scales = tf.cast(self._log_scales, tf.float32)
        return (
            tf.cast(self._logits, tf.float32),
            tf.cast(self._means, tf.float32),
            logistic_mixture_math.clip_log_scales(log_scales, self._min_log_scale),
            None if coefficients is None else tf.cast(coefficients, tf.float32),
        )

    def _broadcast_parameters(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the parameters with the whole batch shape, and coefficients in any case."""
        logits, means, log_scales, coefficients = self._float_parameters()
        if coefficients is None:
            coefficients = tf.zeros([0, logits.shape[-1]])
        batch = self.batch_shape_tensor()
        return (
            tf.broadcast_to(logits, tf.concat([batch, tf.shape(logits)[-1:]], axis=0)),
            *(
                tf.broadcast_to(tensor, tf.concat([batch, tf.shape(tensor)[-2:]], axis=0))
                for tensor in (means, log_scales, coefficients)
            ),
        )


def _keep_variable(parameter: Tensor) -> Tensor:
    """Convert to a tensor, except a variable, which is read (and watched) at every use."""
    return parameter if isinstance(parameter, tf.Variable) else tf.convert_to_tensor(parameter)


def _checked_channels(
    logits: Tensor, means: Tensor, log_scales: Tensor, coefficients: Tensor | None
) -> int:
    """Check that the parameters fit each other, and count the channels."""
    if logits.shape.rank == 0 or (means.shape.rank is not None and means.shape.rank < 2):
        raise ValueError(
            "logits must have shape (..., K) and means (..., channels, K), "
            f"got {logits.shape} and {means.shape}."
        )
    components, channels = logits.shape[-1], means.shape[-2]
    if components is None or channels is None:
        raise ValueError(
            "The numbers of components and of channels must be known when the distribution is "
            f"built, got logits {logits.shape} and means {means.shape}."
        )
    pairs = channels * (channels - 1) // 2
    if coefficients is None and channels > 1:
        raise ValueError(
            f"{channels} channels need coefficients of shape (..., {pairs}, {components})."
        )
    wanted = [("means", means, channels), ("log_scales", log_scales, channels)]
    if coefficients is not None:
        wanted.append(("coefficients", coefficients, pairs))
    batch = logits.shape[:-1]
    for name, tensor, rows in wanted:
        if not tensor.shape[-2:].is_compatible_with([rows, components]):
            raise ValueError(
                f"{name} must have shape (..., {rows}, {components}), got {tensor.shape}."
            )
        try:
            batch = tf.broadcast_static_shape(batch, tensor.shape[:-2])
        except ValueError as error:
            raise ValueError(
                f"The batch shape of {name}, {tensor.shape[:-2]}, does not broadcast with {batch}."
            ) from error
    return channels
