"""The optimizer of a recipe."""

import inspect

import keras

from keras_ar.training.recipe import OPTIMIZERS, Recipe

__all__ = ["build_optimizer"]


def build_optimizer(recipe: Recipe, *, scale: float = 1.0) -> keras.optimizers.Optimizer:
    """Build the optimizer with warm-up, cosine decay and weight averaging.

    Args:
        recipe: Says how.
        scale: Factor on the learning rate, which falls when a run had to be rolled back.
    """
    plan = recipe.training
    peak = scale * plan.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if plan.warmup_steps else peak,
        decay_steps=max(plan.steps - plan.warmup_steps, 1),
        alpha=plan.final_learning_rate,
        warmup_target=peak if plan.warmup_steps else None,
        warmup_steps=plan.warmup_steps,
    )
    optimizer_class = getattr(keras.optimizers, OPTIMIZERS[plan.optimizer])
    options = {
        "learning_rate": schedule,
        "weight_decay": plan.weight_decay or None,
        "global_clipnorm": plan.clip_norm or None,
        "use_ema": True,
        "ema_momentum": plan.ema_decay,
    }
    # What not every one of them has.
    own = {"beta_1": plan.beta_1, "beta_2": plan.beta_2, "rho": plan.beta_2, "epsilon": 1e-8}
    known = inspect.signature(optimizer_class).parameters
    options |= {key: value for key, value in own.items() if key in known}
    return optimizer_class(**options)
