"""Time a WaveNet as a PyTorch user writes it; started by sequences.py.

Training convolves; generation keeps a queue per layer, one step after the other in Python. Needs
torch and nothing else of this project.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from worker import seconds_per_step, serve


class WaveNet(torch.nn.Module):
    """Gated dilated convolutions of width 2 with residual and skip connections."""

    def __init__(self, codes: int, stacks: int, layers: int, filters: int, skip_filters: int):
        super().__init__()
        self.codes, self.filters = codes, filters
        self.dilations = [2**layer for layer in range(layers)] * stacks
        self.causal = torch.nn.Conv1d(codes, filters, 2)
        self.gates = torch.nn.ModuleList(
            torch.nn.Conv1d(filters, 2 * filters, 2, dilation=d) for d in self.dilations
        )
        self.residuals = torch.nn.ModuleList(
            torch.nn.Conv1d(filters, filters, 1) for _ in self.dilations
        )
        self.skips = torch.nn.ModuleList(
            torch.nn.Conv1d(filters, skip_filters, 1) for _ in self.dilations
        )
        self.head = torch.nn.Conv1d(skip_filters, skip_filters, 1)
        self.outputs = torch.nn.Conv1d(skip_filters, codes, 1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(batch, codes, time)``."""
        one_hot = functional.one_hot(codes, self.codes).float().transpose(1, 2)
        hidden = self.causal(functional.pad(one_hot, (2, 0))[..., :-1])
        total = 0.0
        for dilation, gate, residual, skip in zip(
            self.dilations, self.gates, self.residuals, self.skips, strict=True
        ):
            values, gates = gate(functional.pad(hidden, (dilation, 0))).chunk(2, dim=1)
            gated = torch.tanh(values) * torch.sigmoid(gates)
            total = total + skip(gated)
            hidden = hidden + residual(gated)
        return self.outputs(torch.relu(self.head(torch.relu(total))))

    def generate(self, batch_size: int, length: int) -> torch.Tensor:
        """Draw codes, remembering what each layer will read again."""
        previous = torch.zeros(batch_size, self.codes)
        present = torch.zeros(batch_size, self.codes)
        queues = [
            deque([torch.zeros(batch_size, self.filters)] * d, maxlen=d) for d in self.dilations
        ]
        drawn = []
        for _ in range(length):
            hidden = _step(self.causal, previous, present)
            previous, total = present, 0.0
            for queue, gate, residual, skip in zip(
                queues, self.gates, self.residuals, self.skips, strict=True
            ):
                values, gates = _step(gate, queue[0], hidden).chunk(2, dim=1)
                queue.append(hidden)
                gated = torch.tanh(values) * torch.sigmoid(gates)
                total = total + _step(skip, gated)
                hidden = hidden + _step(residual, gated)
            logits = _step(self.outputs, torch.relu(_step(self.head, torch.relu(total))))
            code = torch.multinomial(torch.softmax(logits, dim=-1), 1)[:, 0]
            present = functional.one_hot(code, self.codes).float()
            drawn.append(code)
        return torch.stack(drawn, dim=1)


def _step(conv: torch.nn.Conv1d, *taps: torch.Tensor) -> torch.Tensor:
    """Apply a convolution to the inputs under its taps."""
    products = [tap @ conv.weight[:, :, place].T for place, tap in enumerate(taps)]
    return sum(products, conv.bias)


def prepare(
    task: str, batch_size: int, length: int, **options: int
) -> tuple[Callable[[], float], dict[str, Any]]:
    """Time a training step with Adam (task "fit") or a step of generation ("sample")."""
    torch.manual_seed(0)
    model = WaveNet(**options)
    optimizer = torch.optim.Adam(model.parameters())
    codes = torch.randint(0, model.codes, (batch_size, length))

    def fit() -> None:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(codes), codes, reduction="sum") / batch_size
        loss.backward()
        optimizer.step()

    @torch.inference_mode()
    def sample() -> None:
        model.generate(batch_size, length)

    run, steps = {"fit": (fit, 1), "sample": (sample, length)}[task]
    measure = seconds_per_step(run, steps)
    measure()
    return measure, {"version": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
