"""Checks that every layer or model passes; each says what broke.

A *position* is what one network output predicts: a (pixel, colour) pair, colour innermost, where
the network orders the colours, and a whole pixel where the mixture does. A code of a sequence, too;
sequences may have any length, and ``length`` says how many codes to look at.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_ar.layers import PixelScaling
from keras_ar.layers.stepped_conv2d import folded_kernels
from keras_ar.sampling import compile_function
from keras_ar.sampling.incremental import IncrementalNetwork, Row


def to_numpy(tensor) -> np.ndarray:
    # First a tensor: NumPy would warn about TensorFlow's variables.
    return ops.convert_to_numpy(ops.cast(ops.convert_to_tensor(tensor), "float32"))


def event_shape(model, length: int = 5) -> tuple[int, ...]:
    return tuple(length if side is None else side for side in model.event_shape)


def random_images(model, count: int, seed: int = 0, length: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (count, *event_shape(model, length))
    return rng.integers(0, model.likelihood.levels, shape).astype("uint8")


def random_condition(model, count: int, seed: int = 0, length: int = 5):
    """Return class ids or real values for every condition; a tuple of several."""
    rng = np.random.default_rng(seed)
    conditions = []
    for given in model.inputs[1:]:
        # Frames of a sequence.
        shape = (count, *(-(-length // model.hop) if n is None else n for n in given.shape[1:]))
        is_class = given.dtype == "int32"
        conditions.append(
            rng.integers(0, model.num_classes, shape).astype("int32")
            if is_class
            else rng.normal(size=shape).astype("float32")
        )
    return None if not conditions else conditions[0] if len(conditions) == 1 else tuple(conditions)


def randomize_weights(model, seed: int = 0, scale: float = 1.0) -> None:
    """Move every weight away from its initial value, so that no conditional law is near uniform."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 4
        noise = rng.normal(size=variable.shape) * scale / np.sqrt(fan_in)
        variable.assign(variable + noise.astype("float32"))


def randomized(build, *, seed: int = 3, scale: float = 1.0):
    """Build a model and move its weights; see ``randomize_weights``."""
    model = build()
    randomize_weights(model, seed=seed, scale=scale)
    return model


def make_positive(model) -> None:
    """Make all kernels positive: no ReLU is dead and no path cancels another.

    But those of the condition, the only matrices, become zero: see ``reach``.
    """
    for variable in model.trainable_variables:
        if len(variable.shape) >= 3:
            variable.assign(ops.abs(variable) + 0.01)
        if len(variable.shape) == 2:
            variable.assign(ops.zeros(variable.shape))


def network_inputs(model, images, condition=None):
    return images if condition is None else [images, *conditions_of(condition)]


def conditions_of(condition) -> tuple:
    """Return the conditions one by one."""
    if condition is None:
        return ()
    return condition if isinstance(condition, tuple) else (condition,)


def parameters(model, images, condition=None) -> np.ndarray:
    return to_numpy(model(network_inputs(model, images, condition), training=False))


def value_and_gradients(function, variables) -> tuple[np.ndarray, list[np.ndarray]]:
    """Differentiate ``function()``, a scalar, by ``variables`` on either backend."""
    if keras.backend.backend() == "jax":
        import jax

        def of_values(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function()

        value, gradients = jax.value_and_grad(of_values)([v.value for v in variables])
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = function()
        gradients = tape.gradient(value, [v.value for v in variables])
    return to_numpy(value), [to_numpy(gradient) for gradient in gradients]


def by_position(model, outputs: np.ndarray) -> np.ndarray:
    """Reorder outputs to ``(batch, position, parameters of the position)``."""
    if outputs.ndim == 3:
        return outputs
    height, width, _ = model.image_shape
    passes = model.likelihood.passes_per_pixel
    # Level-major: output level * channels + channel.
    split = np.reshape(outputs, (len(outputs), height * width, -1, passes))
    return np.swapaxes(split, 2, 3).reshape(len(outputs), height * width * passes, -1)


def position_of_value(model, length: int = 5) -> np.ndarray:
    """Return the position of every value of an image, in raster order."""
    if len(model.event_shape) == 1:
        return np.arange(*event_shape(model, length))
    values_per_position = model.image_shape[-1] // model.likelihood.passes_per_pixel
    return np.arange(model.num_dimensions) // values_per_position


def check_causal(model, seed: int = 0, count: int = 24, repeats: int = 4, length: int = 5) -> None:
    """Redraw everything from a position on: the past and the position stay, the future moves.

    A ReLU that is off can hide the move in one image, hence several for each position.
    """
    rng = np.random.default_rng(seed)
    position = position_of_value(model, length)
    last = position[-1]
    start = np.tile(rng.permutation(last + 1)[:count], repeats)
    images = random_images(model, len(start), seed, length)
    condition = random_condition(model, len(start), seed, length)
    levels = model.likelihood.levels
    # From 1 to levels - 1, modulo levels: every redrawn value is another one.
    other = (images + rng.integers(1, levels, images.shape)) % levels
    is_redrawn = (position >= start[:, None]).reshape(images.shape)
    redrawn = np.where(is_redrawn, other, images)
    before, after = (
        by_position(model, parameters(model, given.astype("uint8"), condition))
        for given in (images, redrawn)
    )
    moved = np.any(before != after, axis=-1)
    is_later = np.arange(last + 1) > start[:, None]
    leaks = np.argwhere(moved & ~is_later)
    assert not len(leaks), (
        f"{model.name} is not causal: the output at position {leaks[0][1]} changes with values "
        f"from position {start[leaks[0][0]]} on ({len(leaks)} such cases)."
    )
    starts, moves = start.reshape(repeats, -1)[0], np.any(moved & is_later, axis=1)
    is_dead = ~np.any(moves.reshape(repeats, -1), axis=0) & (starts < last)
    assert not is_dead.any(), (
        f"{model.name} is dead: redrawing from {starts[is_dead]} on moves no later output."
    )


def reach(model, batch_size: int = 128) -> np.ndarray:
    """Find which input values reach which outputs, as bool ``(values, positions)``.

    The network answers to a single non-zero value in an image of zeros (behind the scaling). The
    answer to the image of zeros itself is zero as long as biases are, so even the faintest path
    is seen: nothing is rounded away.
    """
    scaling = next(layer for layer in model.layers if isinstance(layer, PixelScaling))
    network = keras.Model([scaling.output, *model.inputs[1:]], model.outputs[0])
    height, width, channels = model.image_shape
    impulses = np.eye(model.num_dimensions, dtype="float32")
    maps = np.zeros((len(impulses), height, width, scaling.output.shape[-1]), "float32")
    maps[..., :channels] = impulses.reshape(-1, height, width, channels)

    def answer(batch):
        shapes = [(len(batch), *given.shape[1:]) for given in model.inputs[1:]]
        conditions = [
            np.zeros(shape, given.dtype)
            for shape, given in zip(shapes, model.inputs[1:], strict=True)
        ]
        return by_position(model, to_numpy(network([batch, *conditions], training=False)))

    parts = np.split(maps, range(batch_size, len(maps), batch_size))
    return np.concatenate(
        [np.any(answer(part) != answer(np.zeros_like(part)), axis=-1) for part in parts]
    )


def check_complete(model) -> None:
    """Every earlier value reaches every output, and no other value does."""
    found = reach(model)
    wanted = position_of_value(model)[:, None] < np.arange(found.shape[1])
    assert not np.any(found & ~wanted), (
        f"{model.name}: illegal reach (value, position): {np.argwhere(found & ~wanted)[:5]}"
    )
    blind = np.argwhere(wanted & ~found)
    assert not len(blind), (
        f"{model.name} has a blind spot: {len(blind)} of {wanted.sum()} legal pairs "
        f"(value, position) are blind, such as {blind[:5].tolist()}."
    )


def all_images(model) -> np.ndarray:
    levels, size = model.likelihood.levels, math.prod(event_shape(model))
    assert levels**size <= 2**17, f"{levels}^{size} images are too many to enumerate."
    codes = np.indices((levels,) * size, dtype="uint8").reshape(size, -1).T
    return codes.reshape(-1, *event_shape(model))


def probabilities(model, condition=None) -> np.ndarray:
    """Return the exact probability of each of ``all_images``, float64."""
    log_prob = model.log_prob(all_images(model), condition, batch_size=8192)
    return np.exp(to_numpy(log_prob).astype("float64"))


def check_normalised(model, condition=None) -> None:
    total = probabilities(model, condition).sum()
    assert abs(total - 1.0) < 2e-5, f"{model.name}: the probabilities sum to {total}, not to 1."


def check_frequencies(observed: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Compare counts with expected counts; rare outcomes are taken together."""
    is_rare = expected < 5
    observed = np.append(observed[~is_rare], observed[is_rare].sum())
    expected = np.append(expected[~is_rare], expected[is_rare].sum())
    if expected[-1] < 5:
        assert observed[-1] < expected[-1] + 15, f"{what}: {observed[-1]} all but impossible draws"
        observed, expected = observed[:-1], expected[:-1]
    assert len(expected) > 2 and expected.max() > 3 * expected.min(), (
        f"{what}: the law is too plain to tell a right sampler from a wrong one."
    )
    chi_square = np.sum((observed - expected) ** 2 / expected)
    freedom = len(expected) - 1
    # Five standard deviations; the seeds are fixed, so this never flickers.
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom), (
        f"{what}: chi-square {chi_square:.1f} with {freedom} degrees of freedom."
    )


def codes(images: np.ndarray, levels: int) -> np.ndarray:
    """Number images in the order of ``all_images``."""
    flat = images.reshape(len(images), -1).astype("int64")
    return np.ravel_multi_index(flat.T, (levels,) * flat.shape[1])


def check_samples_follow_density(model, condition=None, count: int = 4000) -> None:
    expected = count * probabilities(model, condition)
    length = {"length": event_shape(model)[0]} if None in model.event_shape else {}
    samples = model.sample(count, condition=condition, seed=1, verbose=False, **length)
    observed = np.bincount(codes(samples, model.likelihood.levels), minlength=len(expected))
    check_frequencies(observed, expected, f"samples of {model.name}")


def check_compiled_equals_eager(model, count: int = 3) -> None:
    images, condition = random_images(model, count), random_condition(model, count)
    arguments = [ops.convert_to_tensor(x) for x in (images, *conditions_of(condition))]
    compiled = compile_function(
        lambda images, *given: model(network_inputs(model, images, given or None), training=False),
        model.variables,
    )
    np.testing.assert_allclose(
        to_numpy(compiled(*arguments)), parameters(model, images, condition), rtol=1e-5, atol=1e-5
    )


def check_first_rows_suffice(layer, *inputs, scale: float = 1, rows: int = 4) -> None:
    """The layer on the first rows gives the first rows: nothing below is read.

    ``scale`` is the number of output rows per input row.
    """
    whole = to_numpy(layer(*inputs))
    top = to_numpy(layer(*(given[:, :rows] for given in inputs)))
    assert top.shape[1] == -(-rows * scale // 1), f"{layer.name}: {top.shape[1]} rows"
    np.testing.assert_allclose(top, whole[:, : top.shape[1]], rtol=1e-5, atol=1e-6)


def check_first_columns_suffice(layer, *inputs, columns: int = 4) -> None:
    """The layer on the first columns gives the first columns: nothing to the right is read."""
    whole = to_numpy(layer(*inputs))
    left = to_numpy(layer(*(given[:, :, :columns] for given in inputs)))
    np.testing.assert_allclose(left, whole[:, :, : left.shape[2]], rtol=1e-5, atol=1e-6)


def rows_by_step(layer, inputs, count: int | None = None):
    """Run the layer by ``step``, one output row after the other, over all or ``count`` rows."""
    state = layer.initial_state(len(inputs), inputs.shape)
    factor = getattr(layer, "upsampling", 1)
    rows = []
    for row in range((inputs.shape[1] if count is None else count) * factor):
        given = ops.convert_to_tensor(inputs[:, row // factor][:, None])
        phase = (row % factor,) if factor > 1 else ()
        outputs, state = layer.step(given if row % factor == 0 else None, state, *phase)
        rows.append(to_numpy(outputs))
    return np.concatenate(rows, axis=1) if rows else None, state


def check_row_steps_equal_call(layer, inputs) -> None:
    """``step`` over all rows equals ``call``, and ``state_after`` knows every state between."""
    wanted = to_numpy(layer(inputs))
    stride = getattr(layer, "strides", 1) if not hasattr(layer, "upsampling") else 1
    found, _ = rows_by_step(layer, inputs)
    np.testing.assert_allclose(found[:, ::stride], wanted, rtol=1e-5, atol=1e-5)
    assert np.abs(wanted).max() > 0.1, "a dead layer agrees with everything"
    for rows in range(inputs.shape[1] + 1):
        _, state = rows_by_step(layer, inputs, rows)
        after = layer.state_after(ops.convert_to_tensor(inputs), rows)
        for one, other in zip(keras.tree.flatten(after), keras.tree.flatten(state), strict=True):
            np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-6, atol=1e-6)


def check_pixel_steps_equal_call(layer, inputs) -> None:
    """Entering every row and stepping over its pixels equals ``call``."""
    wanted = to_numpy(layer(inputs))
    up = getattr(layer, "upsampling", 1)
    stride = getattr(layer, "strides", 1) if up == 1 else 1
    state = layer.initial_state(len(inputs), inputs.shape)
    for row in range(0, inputs.shape[1]):
        ahead, step_pixel = layer.enter_row(state)
        queue = layer.initial_queue(len(inputs), inputs.shape)
        for column in range(inputs.shape[2] * up):
            given = ops.convert_to_tensor(inputs[:, row, column // up][:, None, None])
            phase = (column % up,) if up > 1 else ()
            place = slice(column // stride, column // stride + 1)
            before = None if ahead is None else ahead[:, :, place]
            outputs, queue = step_pixel(given, before, queue, *phase)
            if row % stride == 0 and column % stride == 0:
                np.testing.assert_allclose(
                    to_numpy(outputs)[:, 0, 0],
                    wanted[:, row * up // stride, column // stride],
                    rtol=1e-5,
                    atol=1e-5,
                    err_msg=f"row {row}, column {column}",
                )
        state = layer.leave_row(ops.convert_to_tensor(inputs[:, row][:, None]), state)


def steps_over_time(layer, inputs, state):
    """Run a layer of sequences by ``step``; return outputs ``(batch, time, n)`` and state."""
    outputs = []
    for time in range(inputs.shape[1]):
        one, state = layer.step(ops.convert_to_tensor(inputs[:, time : time + 1]), state)
        outputs.append(to_numpy(one))
    return np.concatenate(outputs, axis=1), state


def check_time_steps_equal_call(layer, inputs) -> None:
    """``step`` over all times equals ``call``, and so does ``advance`` from wherever they stop."""
    wanted = to_numpy(layer(inputs))
    assert np.abs(wanted).max() > 0.1, "a dead layer agrees with everything"
    start = layer.initial_state(len(inputs), inputs.shape)
    for part in range(1, inputs.shape[1], 5):
        stepped, after_steps = steps_over_time(layer, inputs[:, :part], start)
        passed, after_pass = layer.advance(ops.convert_to_tensor(inputs[:, :part]), start)
        for found in (stepped, to_numpy(passed)):
            np.testing.assert_allclose(found, wanted[:, :part], rtol=1e-5, atol=1e-5)
        for state in (after_steps, after_pass):
            rest, _ = layer.advance(ops.convert_to_tensor(inputs[:, part:]), state)
            np.testing.assert_allclose(to_numpy(rest), wanted[:, part:], rtol=1e-5, atol=1e-5)
    rest, _ = steps_over_time(layer, inputs[:, part:], after_pass)
    np.testing.assert_allclose(rest, wanted[:, part:], rtol=1e-5, atol=1e-5)


def incremental_parameters(model, images, condition=None) -> np.ndarray:
    """Run the network row by row and pixel by pixel over given images."""
    network = IncrementalNetwork(model.inputs, model.outputs[0], model.likelihood.passes_per_pixel)
    conditions = () if condition is None else (ops.convert_to_tensor(condition),)
    kernels, statics = network.prepare(*conditions)
    count, height, width, _ = images.shape
    states = network.initial_states(count)
    known = ops.ones((count, width), "bool")
    noise = ops.zeros((count, width, model.likelihood.noise_size))
    rows = []
    with folded_kernels(network.folded_layers, kernels):
        for index in range(height):
            row = Row(index, ops.convert_to_tensor(images[:, index].astype("int32")), known, noise)
            states, parameters = network.run_row(
                index % network.period,
                states,
                statics,
                row,
                lambda parameters, noise, known, images, channel: images,
                keeps_parameters=True,
            )
            rows.append(to_numpy(parameters))
    return np.concatenate(rows, axis=1)


def check_two_executions_agree(model, count: int = 3) -> None:
    """The incremental network gives the parameters of the parallel one, borders included."""
    images, condition = random_images(model, count), random_condition(model, count)
    wanted = parameters(model, images, condition)
    found = incremental_parameters(model, images, condition)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
