"""Adam's update of a variable as one operation of TensorFlow instead of forty.

Keras writes the update down operation by operation. Traced for every variable, it is nearly half
of the graph of a training step, and so nearly half of what compiling it takes in time and memory.
On JAX, XLA makes one kernel of it by itself.
"""

import contextlib
from collections.abc import Iterator

import keras

__all__ = ["fused_adam"]

_STATE = ("_momentums", "_velocities", "_get_variable_index")


@contextlib.contextmanager
def fused_adam(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let Adam use TensorFlow's kernel inside; leave every other optimizer and backend alone.

    The update is Keras' own up to rounding, and the state is the same, so a training can go on
    without it.

    Args:
        optimizer: What trains; that ``update_step`` is Adam's own decides, so AdamW counts too.

    Source:
        Kingma & Ba (2015), "Adam", arXiv:1412.6980, the end of section 2, as TensorFlow's
        ``ResourceApplyAdam`` computes it.
    """
    is_adam = type(optimizer).update_step is keras.optimizers.Adam.update_step
    if keras.backend.backend() != "tensorflow" or not is_adam or optimizer.amsgrad:
        yield
        return
    # In the object's dictionary it comes before the method of the class, and only in here.
    vars(optimizer)["update_step"] = _fused_update_step(optimizer)
    try:
        yield
    finally:
        del vars(optimizer)["update_step"]


def _fused_update_step(optimizer):
    import tensorflow as tf

    scalars = {}

    def scalars_of(graph, learning_rate):
        """Compute what all variables have in common once in every graph."""
        if graph not in scalars:
            betas = [tf.constant(beta, "float32") for beta in (optimizer.beta_1, optimizer.beta_2)]
            step = keras.ops.cast(optimizer.iterations + 1, "float32")
            scalars[graph] = {
                "beta1": betas[0],
                "beta2": betas[1],
                "beta1_power": betas[0] ** step,
                "beta2_power": betas[1] ** step,
                "epsilon": tf.constant(optimizer.epsilon, "float32"),
                "lr": tf.cast(learning_rate, "float32"),
            }
        return scalars[graph]

    def update_step(gradient, variable, learning_rate):
        is_sparse = isinstance(gradient, tf.IndexedSlices)
        # Keras does not promise where it keeps its state: it is asked, not relied on.
        is_known = all(hasattr(optimizer, name) for name in _STATE)
        if not is_known or is_sparse or variable.dtype != "float32" or tf.distribute.has_strategy():
            type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
            return
        index = optimizer._get_variable_index(variable)
        # Which graph: with accumulated gradients the update is traced as a branch of its own.
        graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            grad=gradient,
            **scalars_of(graph, learning_rate),
        )

    return update_step
