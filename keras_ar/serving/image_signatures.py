"""What a server answers for a model of images or vectors, as arrays and as PNG files."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_ar.models import AutoregressiveModel
from keras_ar.models.inputs import storage_dtype
from keras_ar.serving.noise import draw_noise
from keras_ar.serving.png import decode_png, encode_png, fits_png
from keras_ar.serving.request_checks import (
    after,
    check_at_least_one,
    check_conditions,
    check_rows,
    check_temperature,
    condition_specs,
)

__all__ = ["ImageEndpoints"]


class ImageEndpoints:
    """The functions of the server.

    Args:
        model: The model.
    """

    def __init__(self, model: AutoregressiveModel):
        self._model = model
        self._levels = model.likelihood.levels
        self._intensity = tf.as_dtype(storage_dtype(self._levels))
        # One function for all signatures that generate: it is most of the export.
        generate = functools.partial(model.fill_graph, model.sampler)
        self._generate = tf.function(generate, autograph=False)

    def by_name(
        self,
    ) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
        """Return the functions and what they take.

        Those on PNG files are left out where a file cannot hold the model's images.
        """
        model = self._model
        condition = condition_specs(model)
        images = tf.TensorSpec((None, *model.event_shape), self._intensity, "images")
        count = tf.TensorSpec((), "int32", "count")
        known = tf.TensorSpec((None, *model.position_shape), "bool", "known")
        seed = tf.TensorSpec((2,), "int32", "seed")
        chance = [seed, tf.TensorSpec((), "float32", "temperature")]
        on_arrays = {
            "log_prob": (self.log_prob, [images, *condition]),
            "bits_per_dim": (self.bits_per_dim, [images, *condition]),
            "sample": (self.sample, [count, *chance, *condition]),
            "complete": (self.complete, [images, known, *chance, *condition]),
        }
        if not fits_png(model.event_shape, self._levels):
            return on_arrays
        # The server's REST interface encodes in base64 what has a name that ends so.
        png = tf.TensorSpec((None,), "string", "png_bytes")
        return on_arrays | {
            "log_prob_png": (self.log_prob_png, [png, *condition]),
            "sample_png": (self.sample_png, [count, *chance, *condition]),
            "complete_png": (self.complete_png, [png, known, *chance, *condition]),
        }

    def log_prob(self, images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return nats per image."""
        return {"log_prob": self._model.log_prob_graph(tf.cast(images, "int32"), *condition)}

    def bits_per_dim(self, images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return bits per dimension of every image."""
        nats = self.log_prob(images, *condition)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * self._model.num_dimensions)}

    def sample(
        self, count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, *condition: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Draw ``count`` images."""
        (count,) = after([check_at_least_one("count", count)], [count])
        blank = tf.zeros((count, *self._model.event_shape), self._intensity)
        known = tf.zeros((count, *self._model.position_shape), "bool")
        return self.complete(blank, known, seed, temperature, *condition)

    def complete(
        self,
        images: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *condition: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Draw the pixels that are not known."""
        model, count = self._model, tf.shape(images)[0]
        checks = [
            check_temperature(temperature),
            check_rows("known", known, count, "image"),
            tf.debugging.assert_less(
                tf.cast(images, "int32"), self._levels, "images hold illegal values."
            ),
            *check_conditions(model, condition, count),
        ]
        images, *condition = after(checks, [images, *condition])
        values = tf.reshape(images, (-1, *model.position_shape, model.likelihood.channels))
        given = tf.where(known[..., None], tf.cast(values, "int32"), 0)
        noise = draw_noise((count, *model.noise_shape(model.position_shape)), seed)
        filled = self._generate(given, known, noise, condition, temperature)
        return {"images": tf.reshape(tf.cast(filled, self._intensity), tf.shape(images))}

    def log_prob_png(self, png_bytes: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return nats per file."""
        return self.log_prob(self._decode(png_bytes), *condition)

    def sample_png(self, *arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draw files; takes what ``sample`` takes."""
        return self._encode(self.sample(*arguments)["images"])

    def complete_png(self, png_bytes: tf.Tensor, *arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draw the pixels of files that are not known."""
        return self._encode(self.complete(self._decode(png_bytes), *arguments)["images"])

    def _decode(self, png_bytes: tf.Tensor) -> tf.Tensor:
        return decode_png(png_bytes, self._model.image_shape, self._levels)

    def _encode(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"png_bytes": encode_png(images, self._levels)}
