"""Draw the latents of a variational autoencoder, and say what they cost."""

import keras
from keras import ops

__all__ = ["GaussianLatents"]


@keras.saving.register_keras_serializable("keras_ar")
class GaussianLatents(keras.layers.Layer):
    """Draw latents from a diagonal Gaussian, so that gradients reach its mean and scale.

    The second output is the divergence of the Gaussian from the standard normal prior. In training
    its weight rises from 0 to 1 over the first ``warmup_steps`` steps: a strong decoder that has to
    pay for latents from the start never learns what they are good for.

    Args:
        warmup_steps: Training steps after which the divergence counts in full; 0 for always.
        seed: Seed of the draws.

    Shapes:
        Input: ``(batch, 2 * size)``: the means, then the logarithms of the standard deviations.
        Output: The latents ``(batch, size)``, and the divergence ``(batch,)`` in nats.

    Raises:
        ValueError: If ``warmup_steps`` is negative, or the inputs cannot be halved.

    Source:
        Kingma and Welling (2014), "Auto-Encoding Variational Bayes", arXiv:1312.6114, sections 2.4
        and appendix B. The warm-up is that of the code of Gulrajani et al. (2017), "PixelVAE".
    """

    def __init__(self, *, warmup_steps: int = 0, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        if warmup_steps < 0:
            raise ValueError(f"warmup_steps cannot be negative; got {warmup_steps}.")
        self.warmup_steps = warmup_steps
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if input_shape[-1] % 2:
            raise ValueError(
                f"A mean and a log-scale for every latent make an even number; got {input_shape}."
            )
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: input_shape[-1]})
        # What part of the warm-up is over. As a weight it is still known to a run that is resumed
        # and to a model that is loaded for fine-tuning.
        self.warmth = self.add_weight(
            shape=(),
            initializer="zeros" if self.warmup_steps else "ones",
            trainable=False,
            name="warmth",
        )
        self.built = True

    def call(self, inputs, training=None):
        mean, log_scale = ops.split(inputs, 2, axis=-1)
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        latents = mean + ops.exp(log_scale) * noise
        excess = ops.square(mean) + ops.exp(2.0 * log_scale) - 1.0 - 2.0 * log_scale
        divergence = 0.5 * ops.sum(excess, axis=-1)
        if training and self.warmup_steps:
            divergence = divergence * ops.cast(self.warmth, divergence.dtype)
            self.warmth.assign(ops.minimum(self.warmth + 1.0 / self.warmup_steps, 1.0))
        return latents, divergence

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] // 2), (input_shape[0],)

    def get_config(self):
        return super().get_config() | {"warmup_steps": self.warmup_steps, "seed": self.seed}
