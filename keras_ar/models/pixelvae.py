"""PixelVAE: a variational autoencoder whose decoder is a Gated PixelCNN."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_ar.layers import GaussianLatents, PixelScaling
from keras_ar.loop import scan
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import image_input
from keras_ar.models.gated_pixelcnn import GatedPixelCNN

__all__ = ["PixelVAE"]

# Draws in `log_prob`, unless more are asked for; candidates for the latents of a completion.
_DRAWS = 16
_CANDIDATES = 32


def image_encoder(image_shape, levels: int, latent_size: int, filters: Sequence[int]):
    """Build the network from images to means and log-scales, ``(batch, 2 * latent_size)``.

    Every entry of ``filters`` is a 3x3 convolution, and one of stride 2; two more follow.
    """
    images = image_input(image_shape, levels)
    features = PixelScaling(levels)(images)
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    for narrow, wide in zip(filters, [*filters[1:], filters[-1]], strict=True):
        features = keras.layers.Conv2D(narrow, 3, **options)(features)
        features = keras.layers.Conv2D(wide, 3, strides=2, **options)(features)
    for _ in range(2):
        features = keras.layers.Conv2D(filters[-1], 3, **options)(features)
    posterior = keras.layers.Dense(2 * latent_size, dtype="float32", name="posterior")
    return keras.Model(images, posterior(keras.layers.Flatten()(features)), name="encoder")


@keras.saving.register_keras_serializable("keras_ar")
class PixelVAE(AutoregressiveModel):
    """Draw latents that say what the image is about, and the pixels one by one given them.

    ``p(x) = E p(x | z)`` over a standard normal ``z`` has no closed form. So this is the one model
    whose ``log_prob`` is an estimate, and training maximises a bound; see there. ``encoder`` and
    ``decoder`` are models of their own: ``model.decoder`` is a ``GatedPixelCNN`` whose condition
    are the latents, with everything that belongs to one, exact likelihoods given the latents
    included.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 makes the outputs Bernoulli.
        latent_size: Number of latents.
        filters: Maps of the decoder's stacks; divisible by the number of channels.
        num_blocks: Gated blocks of the decoder, the first of type A included.
        kernel_size: Side of the windows inside the decoder's stacks; odd.
        first_kernel_size: Side of the window of its first block; odd.
        head_filters: Maps of its hidden 1x1 convolution at the end.
        encoder_filters: Maps of the encoder; it halves height and width once for each number.
        warmup_steps: Training steps over which the divergence of the latents comes to count in
            full; see ``GaussianLatents``.
        seed: Seed of the latents: those drawn in training and those of ``log_prob``.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``.
        Output: The parameters of every pixel, as for ``GatedPixelCNN``, given latents that are
            drawn anew in every call; and the divergence of the latents ``(batch,)``, nats.

    Raises:
        ValueError: If a size is impossible.

    Source:
        Gulrajani et al. (2017), "PixelVAE: A Latent Variable Model for Natural Images",
        arXiv:1611.05013, the model of binarized MNIST "without upsampling", and its code. Two
        deviations: no weight normalisation, and the decoder's head is that of ``GatedPixelCNN``,
        which has one hidden layer and no latents in it.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        latent_size: int = 16,
        filters: int = 16,
        num_blocks: int = 13,
        kernel_size: int = 5,
        first_kernel_size: int = 7,
        head_filters: int = 32,
        encoder_filters: Sequence[int] = (32, 32, 64),
        warmup_steps: int = 10000,
        seed: int = 0,
        name: str | None = "pixelvae",
    ):
        if latent_size < 1:
            raise ValueError(f"latent_size must be positive; got {latent_size}.")
        if not encoder_filters or min(encoder_filters) < 1:
            raise ValueError(
                f"encoder_filters must be one or more positive numbers; got {encoder_filters}."
            )
        images = image_input(image_shape, levels)
        encoder = image_encoder(image_shape, levels, latent_size, encoder_filters)
        options = {"warmup_steps": warmup_steps, "seed": seed, "dtype": "float32"}
        latents, divergence = GaussianLatents(**options, name="latents")(encoder(images))
        decoder = GatedPixelCNN(
            image_shape,
            levels=levels,
            filters=filters,
            num_blocks=num_blocks,
            kernel_size=kernel_size,
            first_kernel_size=first_kernel_size,
            head_filters=head_filters,
            condition_shape=(latent_size,),
            name="decoder",
        )
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "latent_size": latent_size,
            "filters": filters,
            "num_blocks": num_blocks,
            "kernel_size": kernel_size,
            "first_kernel_size": first_kernel_size,
            "head_filters": head_filters,
            "encoder_filters": tuple(encoder_filters),
            "warmup_steps": warmup_steps,
            "seed": seed,
        }
        super().__init__(
            images,
            [decoder([images, latents]), divergence],
            likelihood=decoder.likelihood,
            config=config,
            name=name,
        )

    # What it is made of -----------------------------------------------------------------------

    @property
    def encoder(self) -> keras.Model:
        """The network from images to means and log-scales of the latents."""
        return self.get_layer("encoder")

    @property
    def decoder(self) -> GatedPixelCNN:
        """The model of images given latents, which are its condition."""
        return self.get_layer("decoder")

    @property
    def latent_size(self) -> int:
        """Number of latents."""
        return self._config["latent_size"]

    def encode(self, images, *, batch_size: int = 64):
        """Return the law of the latents given each image, which the encoder approximates.

        Args:
            images: As in ``log_prob``.
            batch_size: Images per network pass; bounds the memory.

        Returns:
            Means and standard deviations, float32 ``(batch, latent_size)`` each.

        Raises:
            ValueError: If the images do not fit the model.
        """
        images, _ = self._check(images, None)
        function = self._compile("posterior", self.encoder)
        posterior = self._in_batches(function, images, None, batch_size)
        mean, log_scale = ops.split(posterior, 2, axis=-1)
        return mean, ops.exp(log_scale)

    # Likelihood -------------------------------------------------------------------------------

    def log_prob(
        self, images, condition=None, *, importance_samples: int = _DRAWS, batch_size: int = 64
    ):
        """Estimate the log-probability of every image, from below, by importance sampling.

        ``log (1/k) sum_j p(x | z_j) p(z_j) / q(z_j | x)``, ``z_j`` from the encoder's law ``q``.
        Its expectation is never above ``log p(x)``, grows with ``k`` and tends to it; with one
        draw it is the bound that training maximises. The draws come from the model's ``seed``, the
        same for every image: an image has the same estimate whatever stands beside it.

        Args:
            images: Integers ``0..levels-1``, ``(batch, height, width, channels)``.
            condition: None; the model is unconditional.
            importance_samples: Draws per image, k. Time grows with it, memory does not.
            batch_size: Images per network pass; bounds the memory.

        Returns:
            A float32 tensor ``(batch,)``, natural logarithm.

        Raises:
            ValueError: If the images do not fit the model, or there is no draw.

        Source:
            Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders",
            arXiv:1509.00519.
        """
        weights = self._log_weights(images, condition, importance_samples, batch_size)
        return _log_mean_exp(weights)

    def elbo(self, images, *, importance_samples: int = _DRAWS, batch_size: int = 64):
        """Estimate the evidence lower bound of every image: the mean where ``log_prob`` has more.

        Takes the arguments of ``log_prob`` and raises what it raises.
        """
        return ops.mean(self._log_weights(images, None, importance_samples, batch_size), axis=1)

    def distribution(self, images, condition=None):
        """Refuse: the law of a pixel given the earlier ones alone has no closed form.

        Raises:
            NotImplementedError: Always; it says what to ask for instead.
        """
        raise NotImplementedError(
            f"{self.name}: the law of a pixel given the earlier ones is an integral over the "
            "latents. Given latents there is one: model.decoder.distribution(images, latents), "
            "for instance with latents = model.encode(images)[0]."
        )

    def log_prob_graph(self, images, *condition):
        return _log_mean_exp(self._log_weights_graph(images, self._draws(_DRAWS)))

    def parameters_graph(self, images, *condition):
        """Compute the parameters of every position given latents of zero, the prior's mean."""
        latents = ops.zeros((ops.shape(images)[0], self.latent_size))
        return self.decoder.parameters_graph(images, latents)

    @property
    def is_exact(self):
        return False

    def describe_likelihood(self, *, importance_samples: int = _DRAWS) -> str:
        return (
            "lower bound of the log-likelihood of every example, importance-weighted, "
            f"{importance_samples} draw{'s' if importance_samples > 1 else ''} of the latents"
        )

    def training_nats(self, outputs, images, *condition):
        parameters, divergence = outputs
        return divergence - self.likelihood_of(parameters, images)

    def _draws(self, number: int) -> np.ndarray:
        """Return the first draws of the model's seed; fewer are the beginning of more."""
        rng = np.random.default_rng(self._config["seed"])
        return rng.standard_normal((number, self.latent_size)).astype("float32")

    def _log_weights(self, images, condition, number: int, batch_size: int):
        """Compute the logarithms of the importance weights: ``(batch, number)``."""
        if int(number) != number or number < 1:
            raise ValueError(f"importance_samples must be a positive integer; got {number}.")
        images, condition = self._check(images, condition)
        function = self._compile("log_weights", self._log_weights_graph)
        noise = ops.convert_to_tensor(self._draws(number))
        return self._in_batches(lambda x: function(x, noise), images, condition, batch_size)

    def _log_weights_graph(self, images, noise):
        mean, log_scale = ops.split(self.encoder(images), 2, axis=-1)

        def weigh(carry, given):
            (draw,) = given
            latents = mean + ops.exp(log_scale) * draw
            # log p(z) - log q(z | x): the factors of pi cancel, and what is squared is the draw.
            ratio = 0.5 * (ops.square(draw) - ops.square(latents)) + log_scale
            weight = self.decoder.log_prob_graph(images, latents) + ops.sum(ratio, axis=-1)
            return carry, [weight]

        noise = ops.convert_to_tensor(noise)
        _, (weights,) = scan(weigh, (), [noise], ops.shape(noise)[0], ["float32"])
        return ops.transpose(weights)

    # Generation -------------------------------------------------------------------------------

    @property
    def sampler(self):
        return self.decoder.sampler

    def noise_shape(self, position_shape):
        # After those of the pixels one for every latent of every candidate, and one to choose by.
        pixels = math.prod(super().noise_shape(position_shape))
        return (pixels + _CANDIDATES * self.latent_size + 1,)

    def fill_graph(self, sampler, images, known, noise, conditions, temperature):
        noise, latents = self._draw_latents(images, known, noise)
        return sampler.generate_graph(images, known, noise, [latents], temperature)

    def draw_pixel_graph(self, *given):
        return self.decoder.draw_pixel_graph(*given)

    def _before_filling(self, start, known, noise, conditions):
        function = self._compile("draw_latents", self._draw_latents)
        noise, latents = function(*map(ops.convert_to_tensor, (start, known, noise)))
        return ops.convert_to_numpy(noise), [latents]

    def _draw_latents(self, images, known, noise):
        """Split the noise, and draw the latents of images of which something may be known.

        Of an image of which nothing is known they come from the prior. Otherwise one of several
        candidates is taken, half of them from the prior and half from the encoder's answer to
        the unfinished image, with a probability that makes it a draw from
        ``p(z | known pixels before the first unknown one)`` as their number grows.

        Returns:
            The noise of the pixels ``(batch, height, width, noise_size)``, and the latents.
        """
        shape = super().noise_shape(self.position_shape)
        normal, choice = noise[:, math.prod(shape) : -1], noise[:, -1:]
        noise = ops.reshape(noise[:, : math.prod(shape)], (-1, *shape))
        normal = math.sqrt(2.0) * ops.erfinv(2.0 * normal - 1.0)
        normal = ops.reshape(normal, (-1, _CANDIDATES, self.latent_size))
        is_first = ops.cumprod(ops.cast(ops.reshape(known, (ops.shape(known)[0], -1)), "int32"), 1)
        is_first = ops.cast(is_first, "bool")
        latents = ops.cond(
            ops.any(is_first),
            lambda: self._resample(images, is_first, normal, choice),
            lambda: normal[:, 0],
        )
        return noise, latents

    def _resample(self, images, is_first, normal, choice):
        """Choose among candidates by how probable they make the first pixels of their image."""
        mean, log_scale = ops.split(self.encoder(images), 2, axis=-1)
        half = _CANDIDATES // 2
        near = mean[:, None] + ops.exp(log_scale)[:, None] * normal[:, half:]
        candidates = ops.concatenate([normal[:, :half], near], axis=1)

        def weigh(carry, given):
            (latents,) = given
            parameters = self.decoder.parameters_graph(images, latents)
            nats = self.decoder.position_log_prob(parameters, images)
            nats = ops.reshape(nats, ops.shape(is_first))
            return carry, [ops.sum(ops.where(is_first, nats, 0.0), axis=1)]

        by_candidate = ops.transpose(candidates, (1, 0, 2))
        _, (weights,) = scan(weigh, (), [by_candidate], _CANDIDATES, ["float32"])
        # Divided by the law they were drawn from, an equal mixture of the prior and the encoder's.
        prior = -0.5 * ops.square(candidates)
        distance = (candidates - mean[:, None]) * ops.exp(-log_scale)[:, None]
        posterior = -0.5 * ops.square(distance) - log_scale[:, None]
        ratio = ops.sum(posterior - prior, axis=-1)
        weights = ops.transpose(weights) - ops.logaddexp(ops.zeros_like(ratio), ratio)
        cumulative = ops.cumsum(ops.softmax(weights, axis=1), axis=1)
        index = ops.sum(ops.cast(cumulative < choice * cumulative[:, -1:], "int32"), axis=1)
        chosen = ops.take_along_axis(candidates, index[:, None, None], axis=1)[:, 0]
        return ops.where(is_first[:, :1], chosen, normal[:, 0])


def _log_mean_exp(weights):
    number = ops.cast(ops.shape(weights)[1], weights.dtype)
    return ops.logsumexp(weights, axis=1) - ops.log(number)
