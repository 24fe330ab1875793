"""One step through the frames of a video, which reads what all earlier steps found."""

import keras
from keras import ops

__all__ = ["TimeAlignedBlock"]


@keras.saving.register_keras_serializable("keras_ar")
class TimeAlignedBlock(keras.layers.Layer):
    """Find new feature maps in one frame, given those that earlier steps found.

    Batch normalisation, ReLU, a convolution and spatial dropout, on the maps of the frame and of
    all earlier steps side by side. Every step of a video has a block of its own: nothing
    recurs, so the depth of the network is time.

    Args:
        filters: New feature maps: the growth rate of a DenseNet.
        kernel_size: Side of the window in pixels.
        dropout: Fraction of the new maps that is dropped whole in training.

    Shapes:
        Input: A list: the frame's ``(batch, height, width, channels)``, then the outputs
            ``(batch, height, width, filters)`` of all earlier steps.
        Output: ``(batch, height, width, filters)``, compute dtype.

    Raises:
        ValueError: If ``filters`` is not positive.

    Source:
        Ghodrati, Gavves, Snoek (2018), "Video Time: Properties, Encoders and Evaluation",
        arXiv:1807.06980. Sizes and the order of operations are those of a public
        re-implementation, see docs/time_aligned_densenet.md.
    """

    def __init__(self, filters: int, kernel_size: int = 3, *, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"TimeAlignedBlock needs at least one filter; got {filters}.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.dropout = dropout
        options = {"dtype": self.dtype_policy}
        self.normalization = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **options)
        self.convolution = keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
            **options,
        )
        self.drop = keras.layers.SpatialDropout2D(dropout, **options)

    def build(self, input_shape):
        joined = (*input_shape[0][:-1], sum(shape[-1] for shape in input_shape))
        self.normalization.build(joined)
        self.convolution.build(joined)
        self.built = True

    def call(self, inputs, training=None):
        features = ops.concatenate(inputs, axis=-1)
        features = ops.relu(self.normalization(features, training=training))
        return self.drop(self.convolution(features), training=training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.filters)

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
        }
