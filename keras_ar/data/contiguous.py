"""Training batches of one long sequence, each of which goes on where the one before ended."""

import keras
import numpy as np


class ContiguousBatches(keras.utils.PyDataset):
    """Read one long sequence as parallel streams, chunk after chunk.

    The sequence is cut into ``batch_size`` streams of equal length, and row ``b`` of every batch
    is the next chunk of stream ``b``. A recurrent model may thus keep its state from one batch
    to the next, row by row, and learns from more than ``length`` values of the past although
    its gradient reaches back no further. After its last chunk a stream starts again.

    A batch is a function of the step alone, so that a run that stops and resumes with
    ``start_step`` sees the batches it would have seen; the state it must keep itself. What does
    not fill a last chunk of all streams, less than ``batch_size * length`` values at the end of
    the sequence, is left out of every epoch.

    Pass ``shuffle=False`` to ``fit``: it would otherwise change the order of the steps.

    Args:
        codes: The sequence.
        batch_size: Number of streams.
        length: Values per chunk.
        start_step: Global step of the first batch.
        num_steps: Number of batches.

    Shapes:
        Codes: ``(time,)`` or ``(1, time)``, integer, not negative.
        Batch: ``(chunks, continues)``: the chunks ``(batch_size, length)``, and whether each
            goes on where its row of the batch before ended, ``(batch_size,)``, bool: false in
            the first batch of an epoch, where the state must be reset, and true in all others.

    Raises:
        ValueError: If the codes are not integers of that shape or one is negative, a number is
            out of range, or the sequence is too short for one batch.

    Example:
        >>> batches = ContiguousBatches(np.arange(13), batch_size=2, length=3, num_steps=2)
        >>> batches[0]
        (array([[0, 1, 2],
               [6, 7, 8]]), array([False, False]))
        >>> batches[1]
        (array([[ 3,  4,  5],
               [ 9, 10, 11]]), array([ True,  True]))

    Source:
        Karpathy (2015), "char-rnn", github.com/karpathy/char-rnn, ``CharSplitLMMinibatchLoader``.
    """

    def __init__(
        self,
        codes: np.ndarray,
        *,
        batch_size: int,
        length: int,
        start_step: int = 0,
        num_steps: int,
    ) -> None:
        super().__init__()
        codes = np.asarray(codes)
        shape = codes.shape
        if not np.issubdtype(codes.dtype, np.integer) or (len(shape) != 1 and shape[:-1] != (1,)):
            raise ValueError(
                "Codes must be integers of shape (time,) or (1, time); "
                f"received {codes.dtype} of shape {shape}."
            )
        codes = codes.reshape(-1)
        if codes.size and codes.min() < 0:
            raise ValueError(f"Codes must not be negative; received {codes.min()}.")
        if batch_size < 1 or length < 1 or start_step < 0 or num_steps < 1:
            raise ValueError(
                "batch_size, length and num_steps must be at least 1 and start_step at least 0; "
                f"received {batch_size}, {length}, {num_steps} and {start_step}."
            )
        self._steps_per_epoch = len(codes) // (batch_size * length)
        if not self._steps_per_epoch:
            raise ValueError(
                f"A sequence of {len(codes)} values is too short for {batch_size} chunks of "
                f"{length}."
            )
        whole = self._steps_per_epoch * batch_size * length
        self._streams = codes[:whole].reshape(batch_size, self._steps_per_epoch, length)
        self._start_step = start_step
        self._num_steps = num_steps

    @property
    def steps_per_epoch(self) -> int:
        """Number of global steps that make up one pass over the sequence."""
        return self._steps_per_epoch

    def __len__(self) -> int:
        return self._num_steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < self._num_steps:
            raise IndexError(f"Step {index} is not within the {self._num_steps} steps.")
        chunk = (self._start_step + index) % self._steps_per_epoch
        return self._streams[:, chunk].copy(), np.full(len(self._streams), chunk > 0)
