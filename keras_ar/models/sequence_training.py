"""How models of sequences are trained: on whole ones, or on chunks that continue each other."""

from keras_ar.models.base import AutoregressiveModel
from keras_ar.models.carried_state import CarriedState
from keras_ar.models.sequence_inputs import batch_size_of_chunks

__all__ = ["SequenceTraining"]


_NO_CHUNKS = (
    "Batches (codes, continues) are for training. Evaluate whole sequences, of any length: pass "
    "codes alone, or call bits_per_dim."
)


class SequenceTraining(AutoregressiveModel):
    """Carry the memory of the network from batch to batch.

    The half of ``SequenceModel`` that concerns ``fit``.
    """

    _carried: CarriedState | None = None

    @property
    def variables(self):
        """All variables: weights, random seeds, and what is carried from batch to batch."""
        return super().variables + (self._carried.variables if self._carried else [])

    def carry_states(self, batch_size: int) -> None:
        """Make the variables that carry the memory of the network from batch to batch.

        ``fit`` does this by itself when it can look at a batch. Made before, they can be read
        from a checkpoint together with the rest of ``variables``.

        Args:
            batch_size: Rows of every batch.

        Raises:
            ValueError: If the model is conditional, or a layer cannot be run step by step.
        """
        if self.is_conditional:
            raise ValueError(f"{self.name} is conditional: it is trained on whole sequences.")
        if self._carried is None or self._carried.batch_size != batch_size:
            self._carried = CarriedState(self.sampler.network, batch_size)
            # Compiled with the variables of the batch size before.
            self.train_function = None

    def fit(self, x=None, y=None, **kwargs):
        """Train on codes, ``(codes, condition)``, or batches ``(codes, continues)``.

        Arrays may be padded with -1. Sequences too long for one step come in chunks, as a data set
        whose batches hold ``continues`` as well: bool ``(batch,)``, true in the rows that begin
        where the same row of the batch before ended. Such a row starts from what the network
        remembers of all chunks so far, though gradients stay inside a chunk; its first code is
        predicted from the last one before.

        Args:
            x: Codes ``(batch, time)``, or a data set; see ``AutoregressiveModel.fit``.
            y: The condition of a conditional model, when ``x`` is an array.
            **kwargs: Those of ``keras.Model.fit``; ``shuffle=False`` for chunks.

        Returns:
            A ``keras.callbacks.History``.

        Raises:
            ValueError: If codes, conditions or chunks do not fit the model.
        """
        if not self.is_conditional:
            if batch_size_of_chunks(kwargs.get("validation_data")) is not None:
                raise ValueError(_NO_CHUNKS)
            size = batch_size_of_chunks(x, y)
            if size is not None:
                self.carry_states(size)
        return super().fit(x, y, **kwargs)

    def train_on_batch(self, x, y=None, **kwargs):
        """Run one step on codes and condition, or on chunks and ``continues``."""
        if y is not None and not self.is_conditional:
            self.carry_states(len(x))
        return super().train_on_batch(x, y, **kwargs)

    def train_step(self, *arguments):
        """Run Keras' training step; chunks start from what was remembered."""
        *state, data = arguments
        data = data if isinstance(data, tuple | list) else (data,)
        codes, continues, *weight = *data, None
        if self.is_conditional or continues is None:
            return super().train_step(*state, data)
        if self._carried is None:
            raise ValueError("Call carry_states(batch_size) before training on such batches.")
        with self._carried.following(continues):
            return super().train_step(*state, (codes, None, *weight[:1]))

    def test_step(self, *arguments):
        """Run Keras' evaluation step, on whole sequences."""
        *_, data = arguments
        _, continues, *_ = *(data if isinstance(data, tuple | list) else (data,)), None
        if not self.is_conditional and continues is not None:
            raise ValueError(_NO_CHUNKS)
        return super().test_step(*arguments)

    def call(self, inputs, training=None, mask=None):
        if self._carried is not None and self._carried.is_followed:
            return self._carried.advance(inputs, bool(training))
        return super().call(inputs, training=training, mask=mask)
