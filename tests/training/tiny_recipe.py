"""A recipe that trains in seconds."""

__all__ = ["recipe_text"]

_RECIPE = """
variant = "tiny"

[model]
class = "PixelCNN"
image_shape = [4, 4, 1]
levels = 4
filters = 4
num_blocks = 1
head_filters = 4

[data]
name = "random"

[training]
steps = 7
batch_size = 4
learning_rate = 1e-2
warmup_steps = 2
ema_decay = 0.9
steps_per_round = 3
seed = 3
"""


def recipe_text(**changes) -> str:
    """Return the recipe with lines replaced, or left out where the value is ``None``."""
    lines = _RECIPE.splitlines()
    for key, value in changes.items():
        line = "" if value is None else f"{key} = {value}"
        lines = [line if x.startswith(f"{key} =") else x for x in lines]
    return "\n".join(lines)
