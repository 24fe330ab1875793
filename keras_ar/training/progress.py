"""How far a training run has come."""

import dataclasses
import math

__all__ = ["Progress"]


@dataclasses.dataclass
class Progress:
    """What a checkpoint says beside the variables.

    Args:
        step: Gradient steps that its weights have behind them.
        seconds: Time in training and validation, over all sessions of the run.
        best: Lowest validation value so far, bits per dimension.
        best_step: Where it was found.
        rollbacks: How often the run went back to a checkpoint because its loss was lost.
        history: One record per round, as it stands in ``history.jsonl``.
    """

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    rollbacks: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)

    @property
    def lowest_train(self) -> float:
        """Lowest mean training value of a round so far, bits per dimension."""
        return min((record["train_bits_per_dim"] for record in self.history), default=math.inf)

    @property
    def learning_rate_scale(self) -> float:
        """Factor on the recipe's learning rate: one half for every time the run went back."""
        return 0.5**self.rollbacks
