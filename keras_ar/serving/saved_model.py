"""Write a SavedModel as the next version of a model folder."""

import errno
import os
import pathlib
import tempfile

import keras

from keras_ar.models import AutoregressiveModel

__all__ = ["export", "signature_names"]


def signature_names(model: AutoregressiveModel) -> tuple[str, ...]:
    """Name the signatures of a model's export; the first is ``serving_default`` as well."""
    from keras_ar.serving.signatures import endpoints

    return tuple(endpoints(model))


def export(model: AutoregressiveModel, folder: str | os.PathLike) -> pathlib.Path:
    """Write a model as the next version of a TensorFlow Serving model folder.

    The signatures hold no state and no Python: the same inputs give the same outputs in every
    process. They are not compiled by XLA, which the server's CPU build refuses by default.

    ==================================  ==========================================  ================
    Signature                           Inputs                                      Output
    ==================================  ==========================================  ================
    ``log_prob``, ``serving_default``   ``images``                                  ``log_prob``
    ``bits_per_dim``                    ``images``                                  ``bits_per_dim``
    ``sample``                          ``count``, ``seed``, ``temperature``        ``images``
    ``complete``                        ``images``, ``known``, ``seed``,            ``images``
                                        ``temperature``
    ``log_prob_png``                    ``png_bytes``                               ``log_prob``
    ``sample_png``                      ``count``, ``seed``, ``temperature``        ``png_bytes``
    ``complete_png``                    ``png_bytes``, ``known``, ``seed``,         ``png_bytes``
                                        ``temperature``
    ==================================  ==========================================  ================

    Those of a model of sequences are:

    ==================================  ==========================================  ================
    Signature                           Inputs                                      Output
    ==================================  ==========================================  ================
    ``log_prob``, ``serving_default``   ``codes``                                   ``log_prob``
    ``bits_per_dim``                    ``codes``                                   ``bits_per_dim``
    ``sample``                          ``count``, ``length``, ``seed``,            ``codes``
                                        ``temperature``
    ``complete``                        ``codes``, ``known``, ``seed``,             ``codes``
                                        ``temperature``
    ``start``                           ``count``                                   ``state``
    ``absorb``                          ``state``, ``codes``                        ``state``
    ``stream``                          ``state``, ``length``, ``seed``,            ``codes``,
                                        ``temperature``                             ``state``
    ==================================  ==========================================  ================

    ``stream`` draws the next codes. What it remembers travels with the requests, one row per
    sequence: in whatever pieces a stream is asked for, and whatever stands beside it in a batch,
    its codes are those of one run. ``absorb`` goes through given codes first.

    Conditional models take ``condition`` as well, in each of them but ``start``, and models with
    a local condition ``features``. Illegal intensities or class
    ids make an image's likelihood NaN, so that they harm no other image of a shared batch;
    generation refuses illegal arguments. It runs the network incrementally, as ``model.sample``
    does.

    The signatures on encoded images are there for 1 or 3 channels and up to 256 levels, which a
    PNG file can hold. Their files are black at level 0 and white at the highest one, so that
    binary images can be looked at; what is sent is rounded to the nearest level. Files that are
    no PNG of the model's size with at most 8 bits per channel are refused.

    The version also holds one small warm-up request per signature, which the server runs when
    it loads the version.

    Args:
        model: Any model of keras_ar.
        folder: The model's base path on the server; made if missing. The export goes to
            ``<folder>/1``, or to one more than the highest version there. It is written aside
            and renamed, so the server never meets half a version.

    Returns:
        The folder of the version.

    Shapes:
        images: ``(batch, height, width, channels)``, uint8 (uint16 above 256 levels).
        png_bytes: ``(batch,)``, string: whole files.
        codes: ``(batch, time)``, int32; for the likelihoods -1 behind the end of a sequence.
        condition: Class ids ``(batch,)``, int32; or ``(batch, ...)``, float32.
        features: ``(batch, frames, number)``, float32.
        known: ``(batch, height, width)``, bool; true where a pixel is given. Or as ``codes``.
        count: Scalar, int32.
        length: Scalar, int32; of ``stream`` ``(batch,)``, all the same.
        seed: ``(2,)``, int32; of ``stream`` ``(batch, 2)``.
        temperature: Scalar, float32; of ``stream`` ``(batch,)``.
        state: ``(batch, size)``, float32.
        log_prob: ``(batch,)``, float32, natural logarithm; ``bits_per_dim`` likewise.

    Raises:
        RuntimeError: If Keras does not run on TensorFlow.
        ValueError: If a layer cannot be run step by step, or counts steps for all sequences of a
            batch at once (see ``SequenceNetwork.settled``).
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
    # Not before: whoever runs Keras on JAX may not have TensorFlow.
    import tensorflow as tf

    from keras_ar.serving.signatures import endpoints
    from keras_ar.serving.warm_up import write_warm_up

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
        served = endpoints(model)
        for name, (endpoint, inputs) in served.items():
            # Nothing here needs AutoGraph, which takes longer than all the rest.
            endpoint = tf.autograph.experimental.do_not_convert(endpoint)
            archive.add_endpoint(name, endpoint, input_signature=inputs)
        archive.write_out(str(written), verbose=False)
        inputs = {name: inputs for name, (_, inputs) in served.items()}
        # Keras makes the first endpoint serving_default as well.
        write_warm_up(written, {"serving_default": next(iter(inputs.values())), **inputs}, model)
        return _rename_to_next_version(written, folder)


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
