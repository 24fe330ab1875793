"""What benchmarks count, and the recipes that nobody has trained yet."""

import functools
import pathlib
import runpy

import pytest
from absl import flags

from keras_ar.training import read_recipe

ROOT = pathlib.Path(__file__).resolve().parents[1]
RECIPES = sorted((ROOT / "scripts" / "recipes").glob("*.toml"))


@pytest.mark.parametrize(
    ("convolution", "multiply_adds"),
    [
        ({"input_shape": [2, 6, 6, 3], "kernel_shape": [3, 3, 3, 8]}, 2 * 4 * 4 * 9 * 24),
        ({"input_shape": [2, 6, 7, 3], "kernel_shape": [2, 3, 3, 8], "strides": 2}, 2 * 9 * 6 * 24),
        ({"input_shape": [1, 5, 5, 4], "kernel_shape": [1, 1, 4, 9]}, 25 * 36),
        (
            {"input_shape": [1, 5, 5, 4], "kernel_shape": [2, 3, 8, 4], "is_transposed": True},
            25 * 6 * 32,
        ),
    ],
)
def test_a_training_step_is_three_passes_of_two_operations_per_multiply_add(
    convolution, multiply_adds
):
    count = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "model_flops.py"))
    convolution = {"strides": 1, "is_transposed": False} | convolution
    assert count["training_flops"]([convolution]) == 6.0 * multiply_adds
    assert count["training_flops"]([convolution] * 3) == 18.0 * multiply_adds


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_waiting_recipe_is_whole_and_its_variant_is_not_in_the_zoo(path):
    recipe = read_recipe(path)
    assert recipe.variant == path.stem
    assert not (ROOT / "zoo" / path.stem).exists()


def test_every_way_of_the_comparison_is_a_recipe(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "benchmarks"))
    # The flags of a script are not for the other tests of this process.
    define = functools.partial(flags.DEFINE_string, flag_values=flags.FlagValues())
    monkeypatch.setattr(flags, "DEFINE_string", define)
    path = ROOT / "scripts" / "benchmarks" / "recipes.py"
    read_ways = runpy.run_path(str(path), run_name="recipes")["read_ways"]
    ways = read_ways(ROOT / "scripts" / "recipes" / "comparison.toml")
    assert len(ways) == len({recipe.sha256 for recipe in ways.values()}) > 1
