"""Training batches of pieces of recordings, which can be taken up again at any step."""

import keras
import numpy as np

from keras_ar.data.arrays import check_labels
from keras_ar.data.padding import PADDING, lengths_of, signed_type

_Condition = np.ndarray | tuple[np.ndarray, np.ndarray]


class RandomCrops(keras.utils.PyDataset):
    """Draw crops of recordings, each batch a function of the seed and the step alone.

    A run that stops and resumes with ``start_step`` sees exactly the crops it would have seen,
    without replaying the ones before. Every epoch is a permutation of all recordings, and the
    batches are cut from one epoch after the other without a gap: a batch may hold the end of
    one and the start of the next, and be larger than the number of recordings.

    Where in its recording a crop starts is drawn uniformly from all starts with which it still
    ends at or before the end; with ``hop``, from the multiples of it, the last of which may
    leave less than ``hop`` values of padding. A recording shorter than the crop is taken whole,
    with padding behind it.

    Pass ``shuffle=False`` to ``fit``: it would otherwise change the order of the steps.

    Args:
        codes: The recordings, padded with -1 as ``pad_sequences`` does.
        labels: One label or conditioning array for each.
        features: Frames of each recording, frame ``f`` for the values ``f * hop`` to
            ``(f + 1) * hop - 1``, as ``log_mel`` measures them.
        length: Values per crop; a multiple of ``hop`` if there are features.
        hop: Values per frame; only with features.
        batch_size: Crops per batch.
        seed: Not negative; decides the order and the starts.
        start_step: Global step of the first batch.
        num_steps: Number of batches.

    Shapes:
        Codes: ``(number, time)``, integer.
        Labels: ``(number, ...)``.
        Features: ``(number, frames, bands)``, float, with ``frames`` enough for the longest.
        Batch: ``(crops,)`` or ``(crops, condition)``. Crops are ``(batch_size, length)`` of a
            signed type. The condition is ``batch_size`` of the labels, or the frames of the
            crops ``(batch_size, length / hop, bands)``, float32 and 0 behind the end of the
            recording, or the pair ``(labels, frames)``.

    Raises:
        ValueError: If the codes are not padded integers or a recording is empty, the lengths
            differ, features or ``hop`` come alone or do not fit, or a number is out of range.

    Example:
        >>> crops = RandomCrops(
        ...     np.zeros((10, 400), np.int16), length=50, batch_size=3, seed=0, num_steps=5
        ... )
        >>> len(crops), crops[0][0].shape
        (5, (3, 50))
    """

    def __init__(
        self,
        codes: np.ndarray,
        labels: np.ndarray | None = None,
        features: np.ndarray | None = None,
        *,
        length: int,
        hop: int | None = None,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        num_steps: int,
    ) -> None:
        super().__init__()
        codes = np.asarray(codes)
        lengths = lengths_of(codes)
        if not len(lengths) or not lengths.all():
            raise ValueError("There must be at least one recording, and a value in each.")
        if length < 1 or batch_size < 1 or num_steps < 1:
            raise ValueError(
                "length, batch_size and num_steps must be at least 1; "
                f"received {length}, {batch_size} and {num_steps}."
            )
        if seed < 0 or start_step < 0:
            raise ValueError(
                f"seed and start_step must be at least 0; received {seed} and {start_step}."
            )
        if labels is not None:
            labels = check_labels(labels, len(codes), "recording")
        if (features is None) != (hop is None):
            raise ValueError("features and hop must be given together.")
        if features is not None:
            features = _check_features(features, lengths, length, hop)
        self._codes = codes
        self._lengths = lengths
        self._labels = labels
        self._features = features
        self._length = length
        self._hop = hop or 1
        self._batch_size = batch_size
        self._seed = seed
        self._start_step = start_step
        self._num_steps = num_steps
        beyond = np.maximum(lengths - length, 0)
        self._num_starts = -(-beyond // self._hop) + 1

    @property
    def steps_per_epoch(self) -> int:
        """Number of global steps within which every recording is visited from the first one on."""
        return -(-len(self._codes) // self._batch_size)

    def __len__(self) -> int:
        return self._num_steps

    def __getitem__(self, index: int) -> tuple[np.ndarray] | tuple[np.ndarray, _Condition]:
        if not 0 <= index < self._num_steps:
            raise IndexError(f"Step {index} is not within the {self._num_steps} steps.")
        step = self._start_step + index
        rows = self._rows(step)
        # The 1 and the 2 keep this stream of random numbers and that of the orders apart.
        rng = np.random.default_rng([self._seed, 2, step])
        starts = rng.integers(self._num_starts[rows]) * self._hop
        crops = np.full((self._batch_size, self._length), PADDING, signed_type(self._codes.dtype))
        for crop, row, start in zip(crops, rows, starts, strict=True):
            values = self._codes[row, start : start + self._length]
            crop[: len(values)] = values
        conditions = () if self._labels is None else (self._labels[rows],)
        if self._features is not None:
            conditions += (self._frames(rows, starts),)
        return (crops, conditions) if len(conditions) == 2 else (crops, *conditions)

    def _rows(self, step: int) -> np.ndarray:
        """Say which recordings a step visits."""
        places = step * self._batch_size + np.arange(self._batch_size)
        epochs, offsets = np.divmod(places, len(self._codes))
        rows = np.empty_like(places)
        for epoch in np.unique(epochs):
            order = np.random.default_rng([self._seed, 1, epoch]).permutation(len(self._codes))
            rows[epochs == epoch] = order[offsets[epochs == epoch]]
        return rows

    def _frames(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Cut the frames of crops out of the features."""
        count = self._length // self._hop
        frames = np.zeros((len(rows), count, self._features.shape[2]), np.float32)
        for frame, row, start in zip(frames, rows, starts // self._hop, strict=True):
            stop = min(start + count, -(-self._lengths[row] // self._hop))
            frame[: stop - start] = self._features[row, start:stop]
        return frames


def _check_features(features: np.ndarray, lengths: np.ndarray, length: int, hop: int) -> np.ndarray:
    features = np.asarray(features)
    if hop < 1 or length % hop:
        raise ValueError(f"length must be a multiple of hop; received {length} and {hop}.")
    if (
        not np.issubdtype(features.dtype, np.floating)
        or features.ndim != 3
        or len(features) != len(lengths)
    ):
        raise ValueError(
            f"Features must be floats of shape (number, frames, bands) for {len(lengths)} "
            f"recordings; received {features.dtype} of shape {features.shape}."
        )
    needed = -(-int(lengths.max()) // hop)
    if features.shape[1] < needed:
        raise ValueError(
            f"The longest recording has {lengths.max()} values, {needed} frames of {hop}; the "
            f"features have {features.shape[1]} frames."
        )
    return features
