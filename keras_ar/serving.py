"""Export for TensorFlow Serving: named signatures that need no Python."""

from __future__ import annotations

import errno
import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import keras

from keras_ar.models import AutoregressiveModel
from keras_ar.models.inputs import storage_dtype

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["export"]


def export(model: AutoregressiveModel, folder: str | os.PathLike) -> pathlib.Path:
    """Write a model as the next version of a TensorFlow Serving model folder.

    The signatures hold no state and no Python: the same inputs give the same outputs in every
    process. They are not compiled by XLA, which the server's CPU build refuses by default.

    ==================================  ==========================================  ===========
    Signature                           Inputs                                      Output
    ==================================  ==========================================  ===========
    ``log_prob``, ``serving_default``   ``images``                                  ``log_prob``
    ``bits_per_dim``                    ``images``                                  ``bits_per_dim``
    ``sample``                          ``count``, ``seed``, ``temperature``        ``images``
    ``complete``                        ``images``, ``known``, ``seed``,            ``images``
                                        ``temperature``
    ==================================  ==========================================  ===========

    Conditional models take ``condition`` as well, in each of them. Illegal intensities or class
    ids make an image's likelihood NaN, so that they harm no other image of a shared batch;
    ``sample`` and ``complete`` refuse illegal arguments. They run the network incrementally, as
    ``model.sample`` does.

    Args:
        model: Any model of keras_ar.
        folder: The model's base path on the server; made if missing. The export goes to
            ``<folder>/1``, or to one more than the highest version there. It is written aside
            and renamed, so the server never meets half a version.

    Returns:
        The folder of the version.

    Shapes:
        images: ``(batch, height, width, channels)``, uint8 (uint16 above 256 levels).
        condition: Class ids ``(batch,)``, int32; or ``(batch, ...)``, float32.
        known: ``(batch, height, width)``, bool; true where a pixel is given.
        count: Scalar, int32.
        seed: ``(2,)``, int32.
        temperature: Scalar, float32.
        log_prob: ``(batch,)``, float32, natural logarithm; ``bits_per_dim`` likewise.

    Raises:
        RuntimeError: If Keras does not run on TensorFlow.
        OSError: If the folder cannot be written; nothing has been computed then.

    Example:
        >>> path = export(model, "serving/pixelcnn")  # serving/pixelcnn/1
        >>> served = tf.saved_model.load(path)  # keep it alive while its signatures are used
        >>> sample = served.signatures["sample"]
        >>> sample(count=tf.constant(4), seed=tf.constant([0, 7]), temperature=tf.constant(1.0))
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A SavedModel can only be written on the TensorFlow backend, and Keras runs on "
            f"{keras.backend.backend()!r}: install tensorflow and set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = tempfile.TemporaryDirectory(dir=folder, prefix=".exporting-")
    except OSError as error:
        raise type(error)(
            error.errno, f"Cannot export: this folder cannot be written ({error.strerror})", folder
        ) from None
    with aside:
        written = pathlib.Path(aside.name) / "model"
        archive = keras.export.ExportArchive()
        archive.track(model)
        # The first one also becomes serving_default.
        for name, (endpoint, signature) in _endpoints(model).items():
            # Nothing here needs AutoGraph, which takes longer than all the rest.
            endpoint = tf.autograph.experimental.do_not_convert(endpoint)
            archive.add_endpoint(name, endpoint, input_signature=signature)
        archive.write_out(str(written), verbose=False)
        return _rename_to_next_version(written, folder)


def _endpoints(
    model: AutoregressiveModel,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], Sequence[tf.TensorSpec]]]:
    """Return the functions of the server and what they take, by name."""
    import tensorflow as tf

    intensity = tf.as_dtype(storage_dtype(model.likelihood.levels))
    images = tf.TensorSpec((None, *model.image_shape), intensity, "images")
    condition = [
        tf.TensorSpec((None, *given.shape[1:]), given.dtype, "condition")
        for given in model.inputs[1:]
    ]

    def log_prob(images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"log_prob": model.log_prob_graph(tf.cast(images, "int32"), *condition)}

    def bits_per_dim(images: tf.Tensor, *condition: tf.Tensor) -> dict[str, tf.Tensor]:
        nats = log_prob(images, *condition)["log_prob"]
        return {"bits_per_dim": -nats / (tf.math.log(2.0) * model.num_dimensions)}

    # One function for both signatures: it is most of the export.
    generate = tf.function(model.sampler.generate_graph, autograph=False)

    def sample(
        count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, *condition: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        with tf.control_dependencies(
            [tf.debugging.assert_positive(count, "count must be at least 1.")]
        ):
            blank = tf.zeros((count, *model.image_shape), intensity)
        known = tf.zeros((count, *model.image_shape[:2]), "bool")
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
                tf.cast(images, "int32"), model.likelihood.levels, "images hold illegal values."
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
            given = tf.where(known[..., None], tf.cast(images, "int32"), 0)
        filled = generate(given, known, _noise(model, count, seed), condition, temperature)
        return {"images": tf.cast(filled, intensity)}

    count = tf.TensorSpec((), "int32", "count")
    known = tf.TensorSpec((None, *model.image_shape[:2]), "bool", "known")
    chance = [tf.TensorSpec((2,), "int32", "seed"), tf.TensorSpec((), "float32", "temperature")]
    return {
        "log_prob": (log_prob, [images, *condition]),
        "bits_per_dim": (bits_per_dim, [images, *condition]),
        "sample": (sample, [count, *chance, *condition]),
        "complete": (complete, [images, known, *chance, *condition]),
    }


def _noise(model: AutoregressiveModel, count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw the noise of ``count`` images."""
    import tensorflow as tf

    # Odd multiples of 2^-24, as in sampling.uniform_noise: never exactly 0 or 1. The generator
    # is named, because the automatic choice depends on the device.
    steps = tf.random.stateless_uniform(
        (count, *model.image_shape[:2], model.likelihood.noise_size),
        seed,
        minval=0,
        maxval=2**23,
        dtype="int32",
        alg="philox",
    )
    return (tf.cast(steps, "float32") + 0.5) / 2.0**23


def _rename_to_next_version(written: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Rename to one more than the highest version, also where another export runs beside."""
    taken = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
    version = max(taken, default=0) + 1
    while True:
        target = folder / str(version)
        try:
            return written.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            version += 1
