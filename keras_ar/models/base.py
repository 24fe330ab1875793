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
from keras_ar.layers.weight_norm import WeightNormLayer, data_dependent_initialization
from keras_ar.models import inputs as checks
from keras_ar.models.architecture import ArchitectureRecord, accept_cloned_graph
from keras_ar.sampling import (
    IncrementalSampler,
    compile_function,
    draw_pixel,
    generate_raster,
    uniform_noise,
)

__all__ = ["AutoregressiveModel"]


class AutoregressiveModel(keras.Model):
    """A functional Keras model whose outputs are the parameters of ``p(x_i | x_<i, condition)``.

    A subclass builds the graph and says which likelihood its outputs feed; everything a user
    wants of a density model follows and is written here, once: exact ``log_prob`` and
    ``bits_per_dim``, ``sample``, ``complete``, ``distribution``, and training with plain
    ``compile`` and ``fit``, whose loss (the negative log-likelihood in nats per image) and
    metric (``bits_per_dim``) are built in.

    Args:
        inputs: Integer images ``(batch, height, width, channels)``, or a pair of images and
            condition.
        parameters: Outputs of the network ``(batch, height, width, likelihood.num_parameters)``.
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
        if parameters.shape[-1] != likelihood.num_parameters:
            raise ValueError(
                f"{type(self).__name__}: the network has {parameters.shape[-1]} outputs per pixel, "
                f"{type(likelihood).__name__} wants {likelihood.num_parameters}."
            )
        parameters = ArchitectureRecord(config, dtype="float32", name="parameters")(parameters)
        self._set_up(inputs, parameters, likelihood, config, name)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__init__ = accept_cloned_graph(cls.__init__)

    def init_from_graph(self, inputs, parameters, specified: "AutoregressiveModel", name=None):
        """Initialise from the copied graph of a model with the arguments of ``specified``."""
        self._set_up(inputs, parameters, specified.likelihood, specified._config, name)

    def _set_up(self, inputs, parameters, likelihood, config, name) -> None:
        super().__init__(inputs=inputs, outputs=parameters, name=name)
        self.likelihood = likelihood
        self._config = dict(config)
        self._compiled_functions = {}
        self._sampler = None
        self._bits_tracker = keras.metrics.Mean(name="bits_per_dim")

    # What the model is ------------------------------------------------------------------------

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of one image."""
        return tuple(self._config["image_shape"])

    @property
    def num_dimensions(self) -> int:
        """Values per image, by which nats are divided for bits per dimension."""
        return math.prod(self.image_shape)

    @property
    def num_classes(self) -> int | None:
        """Number of classes of a class-conditional model, else ``None``."""
        return self._config.get("num_classes")

    @property
    def is_conditional(self) -> bool:
        """Whether the model wants a condition with every image."""
        return len(self.inputs) == 2

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which the same model can be built."""
        return {**self._config, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "AutoregressiveModel":
        """Build the model from ``get_config``; the weights are fresh."""
        known = inspect.signature(cls.__init__).parameters
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
        parts = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            parts.append(function(*self._tensors(images[part], condition, part)))
        return ops.concatenate(parts)

    def bits_per_dim(self, images, condition=None, *, batch_size: int = 64):
        """Return ``-log2 p(x)`` divided by the number of values, for every image.

        Takes the arguments of ``log_prob`` and raises what it raises.
        """
        nats = -self.log_prob(images, condition, batch_size=batch_size)
        return nats / (math.log(2.0) * self.num_dimensions)

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
        function = self._compile("parameters", self._parameters_graph)
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
        blank = np.zeros((count, *self.image_shape), checks.storage_dtype(self.likelihood.levels))
        return self.complete(
            blank,
            np.zeros(self.image_shape[:2], bool),
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
        known = checks.check_known(known, self.image_shape, len(images))
        # What stands at unknown places must not matter, not even to a network pass that reads it.
        start = np.where(known[..., None], images, 0).astype("int32")
        noise = uniform_noise((*known.shape, self.likelihood.noise_size), seed)
        conditions = () if condition is None else (ops.convert_to_tensor(condition),)
        heat = ops.convert_to_tensor(np.float32(temperature))
        options = {"callback": callback, "verbose": verbose}
        if cached:
            arguments = (start, known, noise, conditions, heat, truncation)
            filled = self.sampler.generate(*arguments, **options)
        else:
            compiled = self._compile("draw_pixel", self.draw_pixel_graph)
            filled = generate_raster(
                lambda *place: compiled(*place, heat, truncation, *conditions),
                start,
                known,
                noise,
                self.likelihood.passes_per_pixel,
                **options,
            )
        return filled.astype(checks.storage_dtype(self.likelihood.levels))

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

    # Training: the likelihood is the loss -----------------------------------------------------

    def compile(self, optimizer="adam", *, loss=None, metrics=None, **kwargs) -> None:
        """Configure training; the loss and the metric ``bits_per_dim`` are built in.

        Raises:
            ValueError: If a loss or metrics are given.
        """
        if loss is not None or metrics:
            raise ValueError(
                "The loss is the negative log-likelihood and the metric is bits_per_dim; both "
                'are built in: call compile("adam") without loss and metrics.'
            )
        super().compile(optimizer=optimizer, **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what ``compile`` was given, for saving."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile as ``get_compile_config`` says."""
        config = dict(config)
        self.compile(keras.saving.deserialize_keras_object(config.pop("optimizer")), **config)
        self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, **kwargs):
        """Train on ``x``: images, ``(images, condition)`` pairs, or a data set that yields them.

        NumPy arrays may also be passed as ``x=images, y=condition``. A model that nobody trained
        or loaded yet first sets its weight-normalised layers from the first batch.

        Args:
            x: See above; all other arguments are those of ``keras.Model.fit``.
            y: The condition of a conditional model, when ``x`` is an array.
            **kwargs: Passed on.

        Returns:
            A ``keras.callbacks.History``.

        Raises:
            ValueError: If images or conditions do not fit the model.
        """
        x, y = self._check_data(x, y)
        if isinstance(kwargs.get("validation_data"), tuple | list):
            images, *rest = kwargs["validation_data"]
            images, condition = self._check_data(images, rest[0] if rest else None)
            kwargs["validation_data"] = (images, condition)
        if self._is_pristine():
            self.initialize_from_data(*checks.first_batch(x, y, self.is_conditional))
        # Variables made inside the first step would have TensorFlow trace the whole step twice.
        if self.compiled and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return super().fit(x, y, **kwargs)

    def evaluate(self, x=None, y=None, **kwargs):
        """Return loss (nats per image) and bits per dimension of ``x``, as ``keras.Model`` does."""
        x, y = self._check_data(x, y)
        return super().evaluate(x, y, **kwargs)

    def initialize_from_data(self, images, condition=None) -> None:
        """Set gains and biases of weight-normalised layers from one batch of training images.

        Models without such layers are left alone. ``fit`` does this by itself on a fresh model.

        Source:
            Salimans & Kingma (2016), arXiv:1602.07868, section 3.
        """
        images, condition = self._check(images, condition)
        with data_dependent_initialization():
            self(self._pack(self._tensors(images, condition)), training=True)

    def call(self, inputs, training=None, mask=None):
        """Return the likelihood's parameters for whole images (and conditions)."""
        for tensor in inputs[:1] if isinstance(inputs, tuple | list) else [inputs]:
            if not keras.backend.is_int_dtype(keras.backend.standardize_dtype(tensor.dtype)):
                raise TypeError(
                    f"{type(self).__name__} wants integer images 0..{self.likelihood.levels - 1}, "
                    f"which it scales itself; got dtype {tensor.dtype}."
                )
        return super().call(inputs, training=training, mask=mask)

    def train_step(self, *arguments):
        """Run Keras' training step; images without targets, condition as an input."""
        *state, data = arguments
        return super().train_step(*state, self._as_inputs(data))

    def test_step(self, *arguments):
        """Run Keras' evaluation step; images without targets, condition as an input."""
        *state, data = arguments
        return super().test_step(*state, self._as_inputs(data))

    def predict_step(self, *arguments):
        """Run Keras' prediction step; the outputs are the likelihood's parameters."""
        *state, data = arguments
        return super().predict_step(*state, self._as_inputs(data))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the mean negative log-likelihood in nats per image, plus regularisation."""
        data = x if self.is_conditional else (x,)
        # Computed again in the backward pass: cheap, but a hundred maps to remember otherwise.
        nats = -keras.remat(lambda parameters: self.likelihood_of(parameters, *data))(y_pred)
        bits = nats / (math.log(2.0) * self.num_dimensions)
        self._bits_tracker.update_state(bits, sample_weight=sample_weight)
        if sample_weight is not None:
            nats = nats * ops.cast(sample_weight, nats.dtype)
        return ops.mean(nats) + sum(self.losses)

    # The graph, for compilation and export ----------------------------------------------------

    def likelihood_of(self, parameters, images, *condition):
        """Sum the log-probabilities of all pixels: ``(batch,)``, float32.

        An intensity or a class id out of range makes its image NaN: inside a graph nothing can
        be raised, and a wrong number must not pass for a right one.
        """
        per_pixel = self.likelihood.log_prob(parameters, ops.cast(images, "int32"))
        total = ops.sum(per_pixel, axis=tuple(range(1, len(per_pixel.shape))))
        if not self.num_classes:
            return total
        is_class = ops.logical_and(condition[0] >= 0, condition[0] < self.num_classes)
        return ops.where(is_class, total, float("nan"))

    def log_prob_graph(self, images, *condition):
        """Compute ``log_prob`` from unchecked tensors, for use inside compiled functions."""
        return self.likelihood_of(self._parameters_graph(images, *condition), images, *condition)

    def draw_pixel_graph(
        self, images, known, noise, row, column, channel, temperature, truncation, *condition
    ):
        """Draw one pixel from unchecked tensors, for use inside compiled functions."""
        return draw_pixel(
            lambda current: self._parameters_graph(current, *condition),
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

    def _parameters_graph(self, images, *condition):
        return self(self._pack((images, *condition)), training=False)

    # Private ----------------------------------------------------------------------------------

    def _compile(self, name: str, function):
        if name not in self._compiled_functions:
            self._compiled_functions[name] = compile_function(function, self.variables)
        return self._compiled_functions[name]

    def _check(self, images, condition):
        images = checks.check_images(images, self.image_shape, self.likelihood.levels)
        return images, checks.check_condition(condition, len(images), self)

    def _check_data(self, x, y):
        """Check arrays whole, and the declared shapes and types of a tf.data pipeline."""
        if isinstance(x, tuple | list):
            x, y = x if len(x) == 2 else (x, y)
        if hasattr(x, "element_spec"):
            checks.check_spec(
                x.element_spec,
                self.image_shape,
                self.likelihood.levels,
                self.name,
                self.is_conditional,
            )
        elif hasattr(x, "shape"):
            return self._check(x, y)
        return x, y

    def _is_pristine(self) -> bool:
        layers = [x for x in self._flatten_layers() if isinstance(x, WeightNormLayer)]
        normalised = [layer for layer in layers if layer.weight_norm]
        return bool(normalised) and all(layer.is_pristine() for layer in normalised)

    def _as_inputs(self, data):
        images, *rest = data if isinstance(data, tuple | list) else (data,)
        if isinstance(images, tuple | list):
            return data
        condition, *weight = rest or (None,)
        return (self._pack((images, condition)), None, *weight)

    def _pack(self, tensors):
        return list(tensors) if self.is_conditional else tensors[0]

    def _tensors(self, images, condition=None, part: slice = slice(None)):
        arrays = [images] if condition is None else [images, condition[part]]
        return [ops.convert_to_tensor(array) for array in arrays]
