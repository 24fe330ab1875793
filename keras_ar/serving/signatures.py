"""What a server answers: the functions of a model, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
from keras_ar.serving.sequence_signatures import sequence_endpoints

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["endpoints", "signature_names"]


def signature_names(model: AutoregressiveModel) -> tuple[str, ...]:
    """Name the signatures of a model's export; the first is ``serving_default`` as well."""
    return tuple(endpoints(model))


def endpoints(
    model: AutoregressiveModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name.

    Those on PNG files are left out where a file cannot hold the model's images.
    """
    return sequence_endpoints(model) if model.is_sequential else _image_endpoints(model)


def _image_endpoints(
    model: AutoregressiveModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    import tensorflow as tf

    levels = model.likelihood.levels
    intensity = tf.as_dtype(storage_dtype(levels))
    condition = condition_specs(model)

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
        (count,) = after([check_at_least_one("count", count)], [count])
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
            check_temperature(temperature),
            check_rows("known", known, count, "image"),
            tf.debugging.assert_less(
                tf.cast(images, "int32"), levels, "images hold illegal values."
            ),
            *check_conditions(model, condition, count),
        ]
        images, *condition = after(checks, [images, *condition])
        values = tf.reshape(images, (-1, *model.position_shape, model.likelihood.channels))
        given = tf.where(known[..., None], tf.cast(values, "int32"), 0)
        noise = draw_noise((count, *model.position_shape, model.likelihood.noise_size), seed)
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
