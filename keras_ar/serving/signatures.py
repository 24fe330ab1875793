"""What a server answers: the functions of a model, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keras_ar.models import AutoregressiveModel
from keras_ar.models.inputs import storage_dtype
from keras_ar.serving.png import decode_png, encode_png, fits_png

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["draw_noise", "endpoints", "signature_names"]


def signature_names(model: AutoregressiveModel) -> tuple[str, ...]:
    """Name the signatures of a model's export; the first is ``serving_default`` as well."""
    return tuple(endpoints(model))


def endpoints(
    model: AutoregressiveModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name.

    Those on PNG files are left out where a file cannot hold the model's images.
    """
    import tensorflow as tf

    levels = model.likelihood.levels
    intensity = tf.as_dtype(storage_dtype(levels))
    condition = [
        tf.TensorSpec((None, *given.shape[1:]), given.dtype, "condition")
        for given in model.inputs[1:]
    ]

    def log_prob(images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"log_prob": model.log_prob_graph(tf.cast(images, "int32"), *condition)}

    def bits_per_dim(images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        nats = log_prob(images, *condition)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * model.num_dimensions)}

    # One function for all signatures that generate: it is most of the export.
    generate = tf.function(functools.partial(model.fill_graph, model.sampler), autograph=False)

    def sample(
        count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, *condition: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        with tf.control_dependencies(
            [tf.debugging.assert_positive(count, "count must be at least 1.")]
        ):
            blank = tf.zeros((count, *model.event_shape), intensity)
        known = tf.zeros((count, *model.position_shape), "bool")
        return complete(blank, known, seed, temperature, *condition)

    def complete(
        images: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        *condition: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count = tf.shape(images)[0]
        checks = [
            tf.debugging.assert_positive(temperature, "temperature must be positive."),
            tf.debugging.assert_equal(tf.shape(known)[0], count, "known needs a row per image."),
            tf.debugging.assert_less(
                tf.cast(images, "int32"), levels, "images hold illegal values."
            ),
            *(
                tf.debugging.Assert(
                    tf.reduce_all((ids >= 0) & (ids < model.num_classes)),
                    ["condition must hold class ids."],
                )
                for ids in condition
                if model.num_classes
            ),
            *(
                tf.debugging.assert_equal(tf.shape(x)[0], count, "condition needs a row per image.")
                for x in condition
            ),
        ]
        with tf.control_dependencies(checks):
            values = tf.reshape(images, (-1, *model.position_shape, model.likelihood.channels))
            # Nothing may run before the checks, or another error could come first.
            condition = [tf.identity(x) for x in condition]
        given = tf.where(known[..., None], tf.cast(values, "int32"), 0)
        noise = draw_noise(model, count, seed)
        filled = generate(given, known, noise, condition, temperature)
        return {"images": tf.reshape(tf.cast(filled, intensity), tf.shape(images))}

    def log_prob_png(png_bytes: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        return log_prob(decode_png(png_bytes, model.image_shape, levels), *condition)

    def sample_png(*arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"png_bytes": encode_png(sample(*arguments)["images"], levels)}

    def complete_png(png_bytes: tf.Tensor, *arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        images = decode_png(png_bytes, model.image_shape, levels)
        return {"png_bytes": encode_png(complete(images, *arguments)["images"], levels)}

    images = tf.TensorSpec((None, *model.event_shape), intensity, "images")
    # The server's REST interface encodes in base64 what has a name that ends so.
    png = tf.TensorSpec((None,), "string", "png_bytes")
    count = tf.TensorSpec((), "int32", "count")
    known = tf.TensorSpec((None, *model.position_shape), "bool", "known")
    chance = [tf.TensorSpec((2,), "int32", "seed"), tf.TensorSpec((), "float32", "temperature")]
    on_arrays = {
        "log_prob": (log_prob, [images, *condition]),
        "bits_per_dim": (bits_per_dim, [images, *condition]),
        "sample": (sample, [count, *chance, *condition]),
        "complete": (complete, [images, known, *chance, *condition]),
    }
    if not fits_png(model.event_shape, levels):
        return on_arrays
    return on_arrays | {
        "log_prob_png": (log_prob_png, [png, *condition]),
        "sample_png": (sample_png, [count, *chance, *condition]),
        "complete_png": (complete_png, [png, known, *chance, *condition]),
    }


def draw_noise(model: AutoregressiveModel, count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw what decides ``count`` images: float32 ``(count, height, width, noise_size)``."""
    import tensorflow as tf

    # Odd multiples of 2^-24, as in sampling.uniform_noise: never exactly 0 or 1. The generator
    # is named, because the automatic choice depends on the device.
    steps = tf.random.stateless_uniform(
        (count, *model.position_shape, model.likelihood.noise_size),
        seed,
        minval=0,
        maxval=2**23,
        dtype="int32",
        alg="philox",
    )
    return (tf.cast(steps, "float32") + 0.5) / 2.0**23
