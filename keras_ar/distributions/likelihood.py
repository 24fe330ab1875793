"""Say what the network's outputs of one pixel mean."""

import abc

from keras import ops

from keras_ar.distributions.legal_values import legal_values
from keras_ar.distributions.tensor import Tensor


class Likelihood(abc.ABC):
    """Read the network's outputs of one pixel as a law over its values.

    A likelihood owns no weights. It is written in ``keras.ops`` only and
    computes in float32 whatever the dtype of its inputs, because in half
    precision the mass of many bins vanishes.

    Args:
        channels: Values per pixel; 1 for a sequence or a vector.
        levels: Number of values that each of them can take.

    Attributes:
        channels: Values per pixel.
        levels: Number of values that each of them can take.

    Raises:
        ValueError: If there is no channel, fewer than two levels, or more than
            float32 can count.
    """

    def __init__(self, channels: int, levels: int) -> None:
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}.")
        if not 2 <= levels <= 2**24:
            raise ValueError(f"levels must be between 2 and 2**24, got {levels}.")
        self.channels = channels
        self.levels = levels

    @property
    @abc.abstractmethod
    def num_parameters(self) -> int:
        """Network outputs per pixel."""

    @property
    @abc.abstractmethod
    def passes_per_pixel(self) -> int:
        """Network passes needed to draw one pixel.

        ``channels`` when the network itself orders the colours of a pixel, 1
        when one pass gives the joint law of the pixel.
        """

    @property
    @abc.abstractmethod
    def noise_size(self) -> int:
        """Uniform numbers consumed to draw one pixel."""

    @property
    def can_truncate(self) -> bool:
        """Whether ``sample`` can leave out unlikely levels."""
        return False

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Give the natural log probability of every pixel.

        Args:
            parameters: The network's outputs, any float dtype.
            values: Integers of ``0..levels-1``. Any other value gives NaN for its
                pixel, and no gradient.

        Shapes:
            parameters: ``(..., num_parameters)``.
            values: ``(..., channels)``.
            Output: float32 ``(...)``, summed over the channels.

        Raises:
            ValueError: If a last axis has the wrong size.
        """
        parameters = self._float_parameters(parameters)
        values = self._checked("values", values, self.channels)
        values, is_legal = legal_values(values, self.levels)
        log_prob = self._log_prob(parameters, values)
        return ops.where(ops.all(is_legal, axis=-1), log_prob, float("nan"))

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float | Tensor = 1.0,
        truncation: tuple[()] | tuple[Tensor, Tensor] = (),
    ) -> Tensor:
        """Draw every pixel by inverting its cumulative distribution.

        The noise is an argument, so the same noise gives the same draw in every
        execution and on every backend.

        Args:
            parameters: The network's outputs, any float dtype.
            noise: Uniform numbers of the open interval (0, 1).
            temperature: Above 0; below 1 sharpens the law, 1 leaves it alone. One for all, or
                one for every pixel.
            truncation: Nothing, or ``(top_k, top_p)``: only the ``top_k`` most likely levels
                and those of the nucleus of probability ``top_p`` are drawn.

        Shapes:
            parameters: ``(..., num_parameters)``.
            noise: ``(..., noise_size)``.
            temperature: ``()`` or ``(...)``.
            Output: int32 ``(..., channels)``.

        Raises:
            ValueError: If a last axis has the wrong size, or ``temperature`` is a
                Python number that is not above 0, or there is a truncation where
                ``can_truncate`` is false.
        """
        if isinstance(temperature, (int, float)) and not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}.")
        parameters = self._float_parameters(parameters)
        noise = self._checked("noise", noise, self.noise_size)
        if truncation and not self.can_truncate:
            raise ValueError(
                f"top_k and top_p choose among the levels of a categorical law; "
                f"{type(self).__name__} is none: use temperature."
            )
        noise, temperature = ops.cast(noise, "float32"), ops.cast(temperature, "float32")
        if len(temperature.shape):
            temperature = temperature[..., None]
        return self._sample(parameters, noise, temperature, truncation)

    @abc.abstractmethod
    def distribution(self, parameters: Tensor) -> Tensor:
        """Build the TensorFlow Probability distribution of every pixel.

        Args:
            parameters: The network's outputs, any float dtype.

        Shapes:
            parameters: ``(..., num_parameters)``.

        Raises:
            ImportError: If TensorFlow Probability cannot be used here.
            ValueError: If the last axis has the wrong size.
        """

    @abc.abstractmethod
    def _log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Give the log probability of legal float32 values."""

    @abc.abstractmethod
    def _sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: Tensor,
        truncation: tuple[()] | tuple[Tensor, Tensor],
    ) -> Tensor:
        """Draw from float32 parameters, noise and temperature, ``()`` or ``(..., 1)``."""

    def _float_parameters(self, parameters: Tensor) -> Tensor:
        """Check the parameters and give them as float32."""
        return ops.cast(self._checked("parameters", parameters, self.num_parameters), "float32")

    @staticmethod
    def _checked(name: str, tensor: Tensor, size: int) -> Tensor:
        """Convert to a tensor whose last axis has the wanted size."""
        tensor = ops.convert_to_tensor(tensor)
        shape = tuple(tensor.shape)
        if not shape or (shape[-1] is not None and shape[-1] != size):
            raise ValueError(f"The last axis of {name} must have size {size}, got shape {shape}.")
        return tensor
