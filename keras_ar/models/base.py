"""The one model class: a causal network, an output distribution and an order."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ar.distributions import Likelihood
from keras_ar.layers.stepped_conv2d import folded_kernels
from keras_ar.models import inputs as checks
from keras_ar.models.architecture import ArchitectureRecord, accept_cloned_graph
from keras_ar.models.likelihood_training import LikelihoodTraining
from keras_ar.sampling import (
    IncrementalSampler,
    compile_function,
    draw_pixel,
    generate_raster,
    uniform_noise,
)

__all__ = ["AutoregressiveModel"]


class AutoregressiveModel(LikelihoodTraining):
    """A functional Keras model whose outputs are the parameters of ``p(x_i | x_<i, condition)``.

    A subclass builds the graph and says which likelihood its outputs feed; everything a user
    wants of a density model follows and is written here, once: exact ``log_prob`` and
    ``bits_per_dim``, ``sample``, ``complete``, ``distribution``, and training with plain
    ``compile`` and ``fit``, whose loss (the negative log-likelihood in nats per image) and
    metric (``bits_per_dim``) are built in.

    Args:
        inputs: Integer images ``(batch, height, width, channels)``, or a list of images and
            condition, or conditions.
        parameters: Outputs of the network ``(batch, height, width, likelihood.num_parameters)``;
            a list if there are others, which a subclass reads in ``training_nats``.
        likelihood: What the outputs mean.
        config: The arguments of the subclass, from which it can be built again.
        name: Name of the model.

    Raises:
        ValueError: If the network has another number of outputs than the likelihood wants.
    """

    def __init__(
        self,
        inputs,
        parameters,
        *,
        likelihood: Likelihood,
        config: Mapping[str, Any],
        name: str | None = None,
    ):
        parameters, *others = parameters if isinstance(parameters, list) else [parameters]
        if parameters.shape[-1] != likelihood.num_parameters:
            raise ValueError(
                f"{type(self).__name__}: the network has {parameters.shape[-1]} outputs per pixel, "
                f"{type(likelihood).__name__} wants {likelihood.num_parameters}."
            )
        parameters = ArchitectureRecord(config, dtype="float32", name="parameters")(parameters)
        outputs = [parameters, *others] if others else parameters
        self._set_up(inputs, outputs, likelihood, config, name)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__signature__ = _signature_without_self(cls.__init__)
            cls.__init__ = accept_cloned_graph(cls.__init__)

    def init_from_graph(self, inputs, outputs, specified: "AutoregressiveModel", name=None):
        """Initialise from the copied graph of a model with the arguments of ``specified``."""
        self._set_up(inputs, outputs, specified.likelihood, specified._config, name)

    def _set_up(self, inputs, outputs, likelihood, config, name) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self.likelihood = likelihood
        self._config = dict(config)
        self._compiled_functions = {}
        self._sampler = None
        self._bits_tracker = keras.metrics.Mean(name="bits_per_dim")

    # What the model is ------------------------------------------------------------------------

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one example: ``(height, width, channels)``, or ``(size,)`` of a vector."""
        return tuple(self.inputs[0].shape[1:])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of one image.

        Raises:
            ValueError: If the examples are not images.
        """
        if len(self.event_shape) != 3:
            raise ValueError(
                f"{self.name} is no model of images: its events are {self.event_shape}."
            )
        return self.event_shape

    @property
    def position_shape(self) -> tuple[int, ...]:
        """Shape of the positions that have parameters: pixels, or places in a vector."""
        return self.event_shape[:2] if len(self.event_shape) == 3 else self.event_shape

    @property
    def num_dimensions(self) -> int:
        """Values per example, by which nats are divided for bits per dimension."""
        return math.prod(self.event_shape)

    @property
    def num_classes(self) -> int | tuple[int, ...] | None:
        """Number of classes of a class-conditional model, else ``None``.

        A tuple where there is more than one kind of class, such as digit and speaker.
        """
        return self._config.get("num_classes")

    @property
    def is_conditional(self) -> bool:
        """Whether the model wants a condition with every image."""
        return len(self.inputs) > 1

    @property
    def is_sequential(self) -> bool:
        """Whether the examples are sequences of any length."""
        return self.event_shape == (None,)

    @property
    def is_exact(self) -> bool:
        """Whether ``log_prob`` is exact; otherwise it is an estimate of a lower bound."""
        return True

    def describe_likelihood(self, **options) -> str:
        """Say in words what ``log_prob`` gives with these options, and under which law."""
        return f"exact log-likelihood of every example, {self._describe_law(**options)}"

    def noise_shape(self, position_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the uniform numbers from which one example is drawn."""
        return (*position_shape, self.likelihood.noise_size)

    def order_of(self, component: int = 0) -> np.ndarray:
        """Return the order of the values: int32 ``(num_dimensions,)``, the index at each place.

        Raster order, colours innermost, but for models of vectors, which may have others, and
        several of them.
        """
        return np.arange(self.num_dimensions, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which the same model can be built."""
        return {**self._config, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "AutoregressiveModel":
        """Build the model from ``get_config``; the weights are fresh."""
        known = inspect.signature(cls).parameters
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise ValueError(f"{cls.__name__} has no argument {', '.join(unknown)}.")
        return cls(**config)

    # Exact likelihood -------------------------------------------------------------------------

    def log_prob(self, images, condition=None, *, batch_size: int = 64):
        """Return the exact log-probability of every image.

        Args:
            images: Integers ``0..levels-1``, ``(batch, height, width, channels)``.
            condition: What the model is conditioned on: class ids ``(batch,)``, or an embedding
                or map with the shape of ``condition_shape``; one for all is enough.
            batch_size: Images per network pass; bounds the memory.

        Returns:
            A float32 tensor ``(batch,)``, natural logarithm.

        Raises:
            ValueError: If images or condition do not fit the model.
        """
        images, condition = self._check(images, condition)
        function = self._compile("log_prob", self.log_prob_graph)
        return self._in_batches(function, images, condition, batch_size)

    def bits_per_dim(self, images, condition=None, **options):
        """Return ``-log2 p(x)`` divided by the number of values, for every image.

        Takes the arguments of ``log_prob`` and raises what it raises.
        """
        nats = -self.log_prob(images, condition, **options)
        return nats / (math.log(2.0) * self.value_counts(images))

    def value_counts(self, images):
        """Return the number of values by which the nats of an example are divided for bits.

        The same for all images; ``(batch,)`` for sequences of different lengths.
        """
        return self.num_dimensions

    def distribution(self, images, condition=None):
        """Return the law of every pixel given the true earlier ones (teacher forcing).

        Takes the images and condition of ``log_prob``; all of them pass through the network at
        once.

        Returns:
            A TensorFlow Probability distribution: ``DiscretizedLogisticMixture`` with batch
            shape ``(batch, height, width)`` and event shape ``(channels,)``, or ``Categorical``
            or ``Bernoulli`` with batch shape ``(batch, height, width, channels)``.

        Raises:
            ImportError: If TensorFlow Probability cannot be used.
            ValueError: If images or condition do not fit the model.
        """
        images, condition = self._check(images, condition)
        function = self._compile("parameters", self.parameters_graph)
        return self.likelihood.distribution(function(*self._tensors(images, condition)))

    # Generation -------------------------------------------------------------------------------

    def sample(
        self,
        count: int = 1,
        *,
        condition=None,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        cached: bool = True,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Draw images from the model.

        Args:
            count: Number of images.
            condition: As in ``log_prob``; one for all, or one per image.
            seed: The same seed gives the same bits; ``None`` draws a fresh one.
            temperature: Below 1 sharpens every conditional distribution, above 1 flattens it.
            top_k: Draw among the ``top_k`` most likely levels only; for categorical outputs.
            top_p: Draw among the most likely levels that together hold the probability ``top_p``
                only; for categorical outputs.
            cached: Whether to remember what earlier pixels computed. ``False`` runs the whole
                network for every pixel: hundreds of times slower, for the same images.
            callback: Called as ``callback(row, images)`` when a row is finished, with the images
                so far. An exception it raises ends the generation, as Ctrl-C does.
            verbose: Whether to show a progress bar when it takes longer than two seconds.

        Returns:
            Integer images ``(count, height, width, channels)``, uint8 for up to 256 levels.

        Raises:
            ValueError: If ``count`` or ``temperature`` is not positive, ``top_k`` or ``top_p``
                cannot be used, the condition does not fit, or a layer cannot be run step by step
                (then ``cached=False`` helps).
        """
        if count < 1:
            raise ValueError(f"count must be at least 1; got {count}.")
        blank = np.zeros((count, *self.event_shape), checks.storage_dtype(self.likelihood.levels))
        return self.complete(
            blank,
            np.zeros(self.position_shape, bool),
            condition=condition,
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            cached=cached,
            callback=callback,
            verbose=verbose,
        )

    def complete(
        self,
        images,
        known,
        *,
        condition=None,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        cached: bool = True,
        callback: Callable[[int, np.ndarray], None] | None = None,
        verbose: bool = True,
    ) -> np.ndarray:
        """Fill in the unknown pixels of ``images``, each given all pixels before it.

        Known pixels are never changed. In raster order a drawn pixel takes account of what is
        above it and to its left, known or drawn, but not of known pixels that come later. Whole
        known rows at the top cost one network pass, whatever their number.

        Args:
            images: As in ``log_prob``; unknown pixels may hold any legal value.
            known: bool ``(height, width)`` or ``(batch, height, width)``, true where given.
            condition: As in ``sample``, and so are all other arguments.
            seed: See ``sample``.
            temperature: See ``sample``.
            top_k: See ``sample``.
            top_p: See ``sample``.
            cached: See ``sample``.
            callback: See ``sample``.
            verbose: See ``sample``.

        Returns:
            Integer images of the shape of ``images``.

        Raises:
            ValueError: If an argument does not fit the model.
        """
        if not temperature > 0.0:
            raise ValueError(f"temperature must be positive; got {temperature}.")
        truncation = checks.check_truncation(top_k, top_p, self.likelihood)
        images, condition = self._check(images, condition)
        position_shape = images.shape[1:3] if images.ndim == 4 else images.shape[1:]
        known = checks.check_known(known, position_shape, len(images))
        # What stands at unknown places must not matter, not even to a network pass that reads it.
        values = np.reshape(images, (*known.shape, self.likelihood.channels))
        start = np.where(known[..., None], values, 0).astype("int32")
        noise = uniform_noise((len(images), *self.noise_shape(position_shape)), seed)
        conditions = [ops.convert_to_tensor(x) for x in _parts_of(condition)]
        noise, conditions = self._before_filling(start, known, noise, conditions)
        heat = ops.convert_to_tensor(np.float32(temperature))
        fill = self._fill_incrementally if cached else self._fill_by_whole_passes
        filled = fill(
            start, known, noise, conditions, heat, truncation, callback=callback, verbose=verbose
        )
        dtype = checks.storage_dtype(self.likelihood.levels)
        return np.reshape(filled, images.shape).astype(dtype)

    @property
    def sampler(self) -> IncrementalSampler:
        """The incremental execution of the network, made when first needed.

        Raises:
            ValueError: If a layer of the network cannot be run step by step.
        """
        if self._sampler is None:
            self._sampler = IncrementalSampler(
                self.inputs, self.outputs[0], self.likelihood, self.variables, folded_kernels
            )
        return self._sampler

    # The graph, for compilation and export ----------------------------------------------------

    def call(self, inputs, training=None, mask=None):
        """Return the likelihood's parameters for whole images (and conditions)."""
        for tensor in inputs[:1] if isinstance(inputs, tuple | list) else [inputs]:
            if not keras.backend.is_int_dtype(keras.backend.standardize_dtype(tensor.dtype)):
                raise TypeError(
                    f"{type(self).__name__} wants integer images 0..{self.likelihood.levels - 1}, "
                    f"which it scales itself; got dtype {tensor.dtype}."
                )
        return super().call(inputs, training=training, mask=mask)

    def likelihood_of(self, parameters, images, *condition):
        """Sum the log-probabilities of all pixels: ``(batch,)``, float32.

        An intensity or a class id out of range makes its image NaN: inside a graph nothing can
        be raised, and a wrong number must not pass for a right one.
        """
        per_position = self.position_log_prob(parameters, images)
        total = ops.sum(per_position, axis=tuple(range(1, len(per_position.shape))))
        if not self.num_classes:
            return total
        is_class = ops.logical_and(condition[0] >= 0, condition[0] < np.array(self.num_classes))
        if len(is_class.shape) == 2:
            is_class = ops.all(is_class, axis=1)
        return ops.where(is_class, total, float("nan"))

    def position_log_prob(self, parameters, images):
        """Compute the log-probability of every position, ``(batch, *position_shape)``."""
        values = ops.reshape(images, (-1, *self.position_shape, self.likelihood.channels))
        return self.likelihood.log_prob(parameters, ops.cast(values, "int32"))

    def log_prob_graph(self, images, *condition):
        """Compute ``log_prob`` from unchecked tensors, for use inside compiled functions."""
        return self.likelihood_of(self.parameters_graph(images, *condition), images, *condition)

    def draw_pixel_graph(
        self, images, known, noise, row, column, channel, temperature, truncation, *condition
    ):
        """Draw one pixel from unchecked tensors, for use inside compiled functions."""
        return draw_pixel(
            lambda current: self.parameters_graph(current, *condition),
            self.likelihood,
            images,
            known,
            noise,
            row,
            column,
            channel,
            temperature,
            truncation,
        )

    def fill_graph(self, sampler, images, known, noise, conditions, temperature):
        """Do what ``complete`` does inside one graph, for export, from unchecked tensors.

        ``sampler`` is that of the model, which must be made outside of the graph.
        """
        return sampler.generate_graph(images, known, noise, conditions, temperature)

    def parameters_graph(self, images, *condition):
        """Compute the parameters of every position from unchecked tensors."""
        return self(self._pack((images, *condition)), training=False)

    # Private ----------------------------------------------------------------------------------

    def _describe_law(self) -> str:
        return "natural order"

    def _before_filling(self, start, known, noise, conditions):
        """Return the noise of the positions, and what they are drawn given."""
        return noise, conditions

    def _fill_incrementally(self, start, known, noise, conditions, heat, truncation, **options):
        arguments = (start, known, noise, conditions, heat, truncation)
        return self.sampler.generate(*arguments, **options)

    def _fill_by_whole_passes(self, start, known, noise, conditions, heat, truncation, **options):
        compiled = self._compile("draw_pixel", self.draw_pixel_graph)
        passes = self.likelihood.passes_per_pixel

        def draw(*place):
            return compiled(*place, heat, truncation, *conditions)

        return generate_raster(draw, start, known, noise, passes, **options)

    def _in_batches(self, function, images, condition, batch_size: int):
        """Join what ``function`` of tensors returns for one batch after the other."""
        parts = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            parts.append(function(*self._tensors(images[part], condition, part)))
        return ops.concatenate(parts)

    def _compile(self, name: str, function):
        if name not in self._compiled_functions:
            self._compiled_functions[name] = compile_function(function, self.variables)
        return self._compiled_functions[name]

    def _check(self, images, condition):
        images = checks.check_images(images, self.event_shape, self.likelihood.levels)
        return images, checks.check_condition(condition, len(images), self)

    def _pack(self, tensors):
        return list(tensors) if self.is_conditional else tensors[0]

    def _tensors(self, images, condition=None, part: slice = slice(None)):
        arrays = [images, *(x[part] for x in _parts_of(condition))]
        return [ops.convert_to_tensor(array) for array in arrays]


def _signature_without_self(init: Callable) -> inspect.Signature:
    signature = inspect.signature(init)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _parts_of(condition) -> tuple:
    """Return the conditions one by one; a model may have none, or more than one."""
    if condition is None:
        return ()
    return condition if isinstance(condition, tuple) else (condition,)
