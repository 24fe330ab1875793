"""ConvNADE value by value: windows of the last maps against whole maps."""

import numpy as np
import pytest
from checks import randomized, to_numpy
from keras import ops

from keras_ar.models import ConvNADE

SHAPES = {
    "one window": dict(image_shape=(5, 6, 1), filters=(4,), kernel_size=3),
    "three windows": dict(image_shape=(19, 17, 1), filters=(4, 3, 5, 4, 3), kernel_size=3),
    "a whole map, then windows": dict(
        image_shape=(9, 11, 2), levels=3, filters=(4, 3, 5, 4, 3), kernel_size=3, units=()
    ),
    "a single pixel inside": dict(image_shape=(5, 5, 1), filters=(3, 4, 3), kernel_size=3),
}


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_windows_give_what_whole_maps_give_at_every_value(options):
    model = randomized(lambda: ConvNADE(**{"units": (4,), **options}))
    size, rng = model.num_dimensions, np.random.default_rng(0)
    network = model.ordered_network()
    values = ops.convert_to_tensor(rng.integers(0, model.likelihood.levels, (size, size), "int32"))
    is_seen = ops.convert_to_tensor(rng.random((size, size)) < 0.5)
    index = ops.arange(size)
    expected = to_numpy(model.component_parameters(values, is_seen, 0))
    expected = expected[np.arange(size), np.arange(size)]
    prepared = network.prepare(0)
    state = network.initial_state(prepared, values, is_seen)
    actual = to_numpy(network.predict(state, prepared, 0, index))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_a_value_absorbed_is_as_if_seen_at_the_start():
    model = randomized(
        lambda: ConvNADE((5, 6, 2), levels=3, filters=(4,), kernel_size=3, units=(4,))
    )
    network, rng = model.ordered_network(), np.random.default_rng(0)
    values = rng.integers(0, 3, (4, 60), "int32")
    is_seen = rng.random((4, 60)) < 0.5
    index = np.array([0, 7, 31, 59], "int32")
    is_seen[np.arange(4), index] = False
    later = is_seen.copy()
    later[np.arange(4), index] = True
    prepared = network.prepare(0)
    tensor = ops.convert_to_tensor
    state = network.initial_state(prepared, tensor(values), tensor(is_seen))
    value = tensor(values[np.arange(4), index])
    state = network.absorb(state, prepared, 0, tensor(index), value)
    expected = network.initial_state(prepared, tensor(values), tensor(later))
    for here, there in zip(state, expected, strict=True):
        np.testing.assert_allclose(to_numpy(here), to_numpy(there), rtol=1e-6, atol=1e-6)


def test_only_windows_that_cost_less_than_a_map_are_taken():
    network = ConvNADE((28, 28, 1), filters=(2,) * 5, units=()).ordered_network()
    assert [len(network._whole), len(network._windowed)] == [4, 2]
    network = ConvNADE((28, 28, 1), filters=(2,) * 5, kernel_size=2, units=()).ordered_network()
    assert [len(network._whole), len(network._windowed)] == [3, 3]
