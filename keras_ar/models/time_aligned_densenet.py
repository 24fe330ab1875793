"""Time-Aligned DenseNet: a classifier of videos whose depth is time."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_ar.layers import PixelScaling, TimeAlignedBlock

__all__ = ["TimeAlignedDenseNet"]


def _convolution(filters: int, kernel_size: int, name: str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        name=name,
    )


def _normalization() -> keras.layers.BatchNormalization:
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


@keras.saving.register_keras_serializable("keras_ar")
class TimeAlignedDenseNet(keras.Model):
    """Classify a video by reading its frames in order, each in the light of all before it.

    One network, shared by all frames, encodes each of them by itself; then step ``t`` has a block
    of its own, which reads frame ``t`` and what the steps before it found. Autoregressive in
    that sense only: it gives the probabilities of classes, and no density of the video. The
    number of frames is part of the architecture, and the parameters grow with its square.

    Args:
        video_shape: ``(time, height, width, channels)``.
        num_classes: Number of classes.
        frame_encoder: A Keras model from ``(batch, height, width, channels)`` to feature maps
            ``(batch, rows, columns, features)``, such as one of ``keras.applications`` without
            its top. It reads intensities in [-1, 1]. ``None``: the frames themselves.
        bottleneck_filters: Maps to which the features of a frame are reduced.
        growth_rate: New maps of every step.
        head_filters: Maps of the convolution before the classification.
        step_dropout: Dropout of whole maps in the steps.
        dropout: Dropout of whole maps before the classification.
        name: Name of the model.

    Shapes:
        Input: ``(batch, time, height, width, channels)``, integers 0 to 255.
        Output: ``(batch, num_classes)``, probabilities, float32.

    Raises:
        ValueError: If a size is impossible or the frame encoder gives no maps.

    Example:
        >>> model = TimeAlignedDenseNet((4, 16, 16, 3), num_classes=2, growth_rate=8)
        >>> model(np.zeros((1, 4, 16, 16, 3), "uint8")).shape
        TensorShape([1, 2])
        >>> model.step_features().output.shape
        (None, 4, 16, 16, 8)

    Source:
        Ghodrati, Gavves, Snoek (2018), "Video Time: Properties, Encoders and Evaluation",
        arXiv:1807.06980. Sizes and the order of operations are those of a public
        re-implementation, see docs/time_aligned_densenet.md.
    """

    def __init__(
        self,
        video_shape: tuple[int, int, int, int],
        *,
        num_classes: int = 51,
        frame_encoder: keras.Model | None = None,
        bottleneck_filters: int = 64,
        growth_rate: int = 64,
        head_filters: int = 512,
        step_dropout: float = 0.0,
        dropout: float = 0.5,
        name: str | None = "time_aligned_densenet",
    ):
        if len(video_shape) != 4 or any(int(side) != side or side < 1 for side in video_shape):
            raise ValueError(
                "video_shape must be (time, height, width, channels), all positive; got "
                f"{tuple(video_shape)}."
            )
        if num_classes < 2:
            raise ValueError(f"num_classes must be at least 2; got {num_classes}.")
        time, *frame_shape = video_shape
        videos = keras.Input(tuple(video_shape), dtype="int32", name="videos")
        # One by one: batch and time are one axis for what all frames share.
        features = ops.reshape(PixelScaling(256)(videos), (-1, *frame_shape))
        if frame_encoder is not None:
            features = _encode(frame_encoder, features)
        features = _convolution(bottleneck_filters, 1, "bottleneck")(features)
        features = _normalization()(features)
        features = ops.reshape(ops.relu(features), (-1, time, *features.shape[1:]))

        found = []
        for step in range(time):
            block = TimeAlignedBlock(growth_rate, dropout=step_dropout, name=f"step_{step}")
            found.append(block([features[:, step], *found]))

        features = _convolution(head_filters, 3, "head")(ops.concatenate(found, axis=-1))
        features = _normalization()(ops.relu(features))
        features = keras.layers.SpatialDropout2D(dropout)(features)
        features = keras.layers.GlobalAveragePooling2D()(features)
        classify = keras.layers.Dense(num_classes, "softmax", dtype="float32", name="classes")
        super().__init__(videos, classify(features), name=name)
        self._config = {
            "video_shape": tuple(video_shape),
            "num_classes": num_classes,
            "frame_encoder": frame_encoder,
            "bottleneck_filters": bottleneck_filters,
            "growth_rate": growth_rate,
            "head_filters": head_filters,
            "step_dropout": step_dropout,
            "dropout": dropout,
        }

    def step_features(self) -> keras.Model:
        """Return the model of what every step found, which shares its weights with this one.

        Its outputs ``(batch, time, rows, columns, growth_rate)`` at a step depend on the frames
        up to that step only.
        """
        steps = range(self.inputs[0].shape[1])
        found = [self.get_layer(f"step_{step}").output for step in steps]
        return keras.Model(self.inputs[0], ops.stack(found, axis=1), name=f"{self.name}_steps")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which the same model can be built."""
        encoder = self._config["frame_encoder"]
        if encoder is not None:
            encoder = keras.saving.serialize_keras_object(encoder)
        return {**self._config, "frame_encoder": encoder, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "TimeAlignedDenseNet":
        """Build the model from ``get_config``; the weights are fresh."""
        encoder = config["frame_encoder"]
        if isinstance(encoder, Mapping):
            encoder = keras.saving.deserialize_keras_object(encoder)
        return cls(**{**config, "frame_encoder": encoder})


def _encode(frame_encoder: keras.Model, frames: keras.KerasTensor) -> keras.KerasTensor:
    maps = frame_encoder(frames)
    if len(maps.shape) != 4 or None in maps.shape[1:]:
        raise ValueError(
            "frame_encoder must give feature maps (batch, rows, columns, features) of known size "
            f"(keras.applications: include_top=False, pooling=None); got {tuple(maps.shape)}."
        )
    return maps
