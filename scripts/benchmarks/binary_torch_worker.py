"""Time the same models as a PyTorch user writes them; started by binary.py.

MADE is a stack of linear layers whose weights are multiplied by masks; NADE is a loop over the
values in Python. Needs torch and nothing else of this project.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from worker import seconds_per_step, serve


class MaskedLinear(torch.nn.Linear):
    """A linear layer with a mask on its weights; which connections it cuts costs no time."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs)
        self.register_buffer("mask", (torch.rand(outputs, inputs) < 0.5).float())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Multiply by the masked weights."""
        return torch.nn.functional.linear(inputs, self.weight * self.mask, self.bias)


class NADE(torch.nn.Module):
    """The running sum, one value after the other."""

    def __init__(self, size: int, units: int):
        super().__init__()
        self.kernel = torch.nn.Parameter(0.02 * torch.randn(size, units))
        self.hidden_bias = torch.nn.Parameter(torch.zeros(units))
        self.output_kernel = torch.nn.Parameter(0.02 * torch.randn(size, units))
        self.output_bias = torch.nn.Parameter(torch.zeros(size))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits of all values."""
        total = self.hidden_bias.expand(len(inputs), -1)
        logits = []
        for place in range(inputs.shape[1]):
            hidden = torch.sigmoid(total)
            logits.append(hidden @ self.output_kernel[place] + self.output_bias[place])
            total = total + inputs[:, place, None] * self.kernel[place]
        return torch.stack(logits, dim=1)


def _made(size: int, units: Sequence[int]) -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    for width in units:
        layers += [MaskedLinear(size if not layers else layers[-2].out_features, width)]
        layers += [torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, MaskedLinear(units[-1], size))


def prepare(
    network: str, units: Sequence[int], batch_size: int, steps: int
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Time training steps with Adam on random bits."""
    torch.manual_seed(0)
    model = _made(784, units) if network == "MADE" else NADE(784, units[0])
    optimizer = torch.optim.Adam(model.parameters())
    inputs = (torch.rand(batch_size, 784) < 0.13).float()

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            model(inputs), inputs, reduction="sum"
        )
        (loss / batch_size).backward()
        optimizer.step()

    def work() -> None:
        for _ in range(steps):
            step()

    work()
    return seconds_per_step(work, steps), {"version": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
