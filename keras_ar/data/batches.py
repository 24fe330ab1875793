"""Training batches that can be taken up again at any step."""

import keras
import numpy as np

from keras_ar.data.arrays import check_labels


class ShuffledBatches(keras.utils.PyDataset):
    """Draw shuffled training batches, each a function of the seed and the step alone.

    A run that stops and resumes with ``start_step`` sees exactly the batches it would have
    seen, without replaying the ones before. Every epoch has its own permutation; the images
    that do not fill its last batch are left out of that epoch and, the permutations being
    independent, turn up in others.

    Pass ``shuffle=False`` to ``fit``: it would otherwise change the order of the steps.

    Args:
        images: Integer images or codes, the first axis counting them.
        labels: One label or conditioning array for each.
        batch_size: Images per batch.
        seed: Not negative; decides the order and the mirroring.
        start_step: Global step of the first batch.
        num_steps: Number of batches.
        flip: Mirror each image horizontally with probability one half.

    Shapes:
        Images: ``(num_images, ...)``, integer; ``(num_images, height, width, channels)`` for
            ``flip``.
        Labels: ``(num_images, ...)``.
        Batch: ``(images,)`` or ``(images, labels)``, ``batch_size`` of each.

    Raises:
        ValueError: If the images are not integers, the lengths differ, a number is out of
            range, or ``flip`` meets something that is not an image or a spatial condition.

    Example:
        >>> batches = ShuffledBatches(
        ...     np.zeros((10, 4, 4, 1), np.uint8), batch_size=3, seed=0, num_steps=5
        ... )
        >>> len(batches), batches[0][0].shape
        (5, (3, 4, 4, 1))
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        num_steps: int,
        flip: bool = False,
    ) -> None:
        super().__init__()
        images = np.asarray(images)
        if not np.issubdtype(images.dtype, np.integer) or images.ndim < 2:
            raise ValueError(
                "Images must be integers with a batch axis first; "
                f"received {images.dtype} of shape {images.shape}."
            )
        if not 1 <= batch_size <= len(images):
            raise ValueError(
                f"batch_size must be between 1 and the number of images, {len(images)}; "
                f"received {batch_size}."
            )
        if seed < 0 or start_step < 0 or num_steps < 1:
            raise ValueError(
                "seed and start_step must be at least 0 and num_steps at least 1; "
                f"received {seed}, {start_step} and {num_steps}."
            )
        if labels is not None:
            labels = check_labels(labels, len(images))
        if flip and (images.ndim != 4 or (labels is not None and labels.ndim > 2)):
            raise ValueError(
                "flip=True mirrors images of shape (batch, height, width, channels) and leaves "
                "labels alone, which spatial conditions do not allow."
            )
        self._images = images
        self._labels = labels
        self._batch_size = batch_size
        self._seed = seed
        self._start_step = start_step
        self._num_steps = num_steps
        self._flip = flip
        self._steps_per_epoch = len(images) // batch_size
        self._order: tuple[int, np.ndarray] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Number of global steps that make up one pass over the images."""
        return self._steps_per_epoch

    def __len__(self) -> int:
        return self._num_steps

    def __getitem__(self, index: int) -> tuple[np.ndarray] | tuple[np.ndarray, np.ndarray]:
        rows, mirrored = self.draw(index)
        images = self._images[rows]
        if mirrored is not None:
            images[mirrored] = images[mirrored, :, ::-1]
        return (images,) if self._labels is None else (images, self._labels[rows])

    def draw(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return which images make up a batch, and which of them are mirrored.

        Returns:
            The rows, ``(batch_size,)`` integer, and truth values of the same shape, or ``None``
            without ``flip``.
        """
        if not 0 <= index < self._num_steps:
            raise IndexError(f"Step {index} is not within the {self._num_steps} steps.")
        step = self._start_step + index
        epoch, offset = divmod(step, self._steps_per_epoch)
        rows = self._permutation(epoch)[offset * self._batch_size :][: self._batch_size]
        if not self._flip:
            return rows, None
        return rows, np.random.default_rng([self._seed, epoch, step]).random(len(rows)) < 0.5

    def _permutation(self, epoch: int) -> np.ndarray:
        # Kept for the current epoch only, and replaced as one tuple: Keras may call from threads.
        order = self._order
        if order is None or order[0] != epoch:
            rng = np.random.default_rng([self._seed, epoch])
            order = (epoch, rng.permutation(len(self._images)))
            self._order = order
        return order[1]
