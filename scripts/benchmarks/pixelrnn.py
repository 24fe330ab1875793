"""Time training steps of PixelRNN by `model.fit`, as a user runs it.

    python scripts/benchmarks/pixelrnn.py --repeats 5

Row LSTM and Diagonal BiLSTM take turns, so that whatever else the machine does hits both alike. The
yardstick is Keras' own way to run the same recurrence: `keras.layers.RNN` over the rows, forward
and backward, once for each layer, by XLA as well.
"""

import statistics
import time
from collections.abc import Callable

from absl import app, flags

_REPEATS = flags.DEFINE_integer("repeats", 5, "Measurements of everything.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 5, "Training steps in one measurement.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images per step.", lower_bound=1)
_FILTERS = flags.DEFINE_integer("filters", 32, "PixelRNN(filters=...).", lower_bound=1)
_NUM_BLOCKS = flags.DEFINE_integer("num_blocks", 2, "PixelRNN(num_blocks=...).", lower_bound=1)


def _fit(recurrence: str) -> Callable[[], None]:
    import numpy as np

    import keras_ar

    model = keras_ar.PixelRNN(
        (28, 28, 1),
        levels=2,
        recurrence=recurrence,
        filters=_FILTERS.value,
        num_blocks=_NUM_BLOCKS.value,
        head_filters=32,
    )
    model.compile("adam")
    count = _STEPS.value * _BATCH_SIZE.value
    images = np.random.default_rng(0).integers(0, 2, (count, 28, 28, 1)).astype("uint8")
    return lambda: model.fit(images, batch_size=_BATCH_SIZE.value, verbose=0)


def _keras_rnn() -> Callable[[], None]:
    import keras
    import numpy as np

    from keras_ar.layers import LineLSTMCell

    filters = _FILTERS.value
    gates = keras.Input((28, 28 * 4 * filters))
    hidden = gates
    for _ in range(_NUM_BLOCKS.value):
        hidden = keras.layers.RNN(LineLSTMCell(filters), return_sequences=True)(hidden)
        hidden = keras.layers.Reshape((28, 28, filters))(hidden)
        hidden = keras.layers.Dense(4 * filters)(hidden)
        hidden = keras.layers.Reshape((28, 28 * 4 * filters))(hidden)
    model = keras.Model(gates, hidden)
    model.compile("adam", loss="mse", jit_compile=True)
    count = _STEPS.value * _BATCH_SIZE.value
    inputs = np.random.default_rng(0).normal(size=(count, 28, 28 * 4 * filters)).astype("float32")
    return lambda: model.fit(inputs, inputs, batch_size=_BATCH_SIZE.value, verbose=0)


def main(argv: list[str]) -> None:
    """Measure and print a markdown table."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    from keras_ar.machine import describe_hardware, describe_versions

    tasks = {
        "Diagonal BiLSTM": _fit("diagonal"),
        "Row LSTM": _fit("row"),
        "Keras' RNN over the rows, recurrence only": _keras_rnn(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()  # Compiles.
    for _ in range(_REPEATS.value):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append((time.perf_counter() - start) / _STEPS.value)
    print("| training step | median | range |\n|---|---|---|")
    for name, values in seconds.items():
        spread = f"{min(values):.3g} to {max(values):.3g}"
        print(f"| {name} | {statistics.median(values):.3g} s | {spread} |")
    versions = ", ".join(f"{name} {version}" for name, version in describe_versions().items())
    print(
        f"\n{_NUM_BLOCKS.value} layers of {_FILTERS.value} filters, 28x28 binary, batch "
        f"{_BATCH_SIZE.value}. {describe_hardware()}; {versions}."
    )


if __name__ == "__main__":
    app.run(main)
