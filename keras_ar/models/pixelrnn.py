"""PixelRNN: residual blocks of two-dimensional LSTMs."""

import keras

from keras_ar.layers import DiagonalBiLSTM, MaskedConv2D, PixelScaling, RowLSTM
from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.conditioning import image_input
from keras_ar.models.pixelcnn import discrete_head

__all__ = ["PixelRNN"]


@keras.saving.register_keras_serializable("keras_ar")
class PixelRNN(AutoregressiveModel):
    """Predict every colour value from the values before it, by two-dimensional LSTMs.

    A 7x7 convolution of type A, residual blocks of one recurrent layer each, and a softmax over
    the levels of every colour (a sigmoid for binary images). With Diagonal BiLSTMs every output
    sees every earlier pixel; with Row LSTMs, which have fewer steps one after the other, a
    triangle that widens with each row above.

    Args:
        image_shape: ``(height, width, channels)``.
        levels: Number of intensity values; 2 makes the outputs Bernoulli.
        recurrence: ``"diagonal"`` for Diagonal BiLSTM, ``"row"`` for Row LSTM.
        filters: Maps of the hidden states (h in the paper); the stack has twice as many.
        num_blocks: Recurrent layers.
        kernel_size: Width of the convolutions inside a Row LSTM; odd. Diagonal BiLSTMs have
            fixed ones.
        first_kernel_size: Side of the first masked convolution; odd.
        head_filters: Maps of the hidden 1x1 convolution at the end.
        has_skips: Whether each recurrent layer also feeds the output, beside the residual path.
        name: Name of the model.

    Shapes:
        Input: ``(batch, height, width, channels)``, integers ``0..levels-1``.
        Output: ``(batch, height, width, channels * levels)`` logits, or ``(..., channels)`` for
            binary images, float32.

    Raises:
        ValueError: If a size is impossible or ``recurrence`` unknown.

    Example:
        >>> model = PixelRNN((8, 8, 1), levels=2, filters=4, num_blocks=1, head_filters=4)
        >>> model.log_prob(np.zeros((2, 8, 8, 1), "uint8")).shape
        TensorShape([2])

    Source:
        van den Oord et al. (2016), "Pixel Recurrent Neural Networks", arXiv:1601.06759,
        sections 3.1 to 3.4 and table 1. The defaults are the paper's for CIFAR-10. For binary
        MNIST use fewer filters and a smaller head.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        levels: int = 256,
        recurrence: str = "diagonal",
        filters: int = 128,
        num_blocks: int = 12,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int = 1024,
        has_skips: bool = True,
        name: str | None = "pixelrnn",
    ):
        groups = image_shape[-1]
        images = image_input(image_shape, levels)
        if recurrence not in ("diagonal", "row"):
            raise ValueError(f'recurrence must be "diagonal" or "row"; got {recurrence!r}.')
        pixels = PixelScaling(levels)(images)
        features = MaskedConv2D(2 * filters, first_kernel_size, "A", groups)(pixels)
        skipped = []
        for index in range(num_blocks):
            if recurrence == "row":
                hidden = RowLSTM(filters, kernel_size, groups)(features)
            else:
                hidden = DiagonalBiLSTM(filters, groups)(features, None if index else pixels)
            features = features + MaskedConv2D(2 * filters, 1, "B", groups)(hidden)
            if has_skips:
                skipped.append(MaskedConv2D(2 * filters, 1, "B", groups)(hidden))
        features = sum(skipped, features)
        parameters, likelihood = discrete_head(features, image_shape, levels, head_filters)
        config = {
            "image_shape": tuple(image_shape),
            "levels": levels,
            "recurrence": recurrence,
            "filters": filters,
            "num_blocks": num_blocks,
            "kernel_size": kernel_size,
            "first_kernel_size": first_kernel_size,
            "head_filters": head_filters,
            "has_skips": has_skips,
        }
        super().__init__(images, parameters, likelihood=likelihood, config=config, name=name)

    def compile(self, optimizer="adam", *, jit_compile: bool | str = "auto", **kwargs) -> None:
        """Configure training, as every model does; Diagonal BiLSTMs are compiled by XLA.

        A diagonal takes many small operations, which XLA fuses: a step on a CPU, where Keras
        would not ask for it, takes two thirds of the time.

        Args:
            optimizer: Keras optimizer.
            jit_compile: Whether the steps are compiled by XLA; ``"auto"`` is true for Diagonal
                BiLSTMs unless ``run_eagerly`` is, and Keras' choice for Row LSTMs.
            **kwargs: Those of ``AutoregressiveModel.compile``.
        """
        if jit_compile == "auto" and self._config["recurrence"] == "diagonal":
            jit_compile = not kwargs.get("run_eagerly", False)
        super().compile(optimizer, jit_compile=jit_compile, **kwargs)
