"""A recipe says what is wrong with it before anything is built."""

import pytest

from keras_ar.training import build_model, read_recipe


def test_the_model_is_built_as_the_recipe_says(write_recipe):
    recipe = read_recipe(write_recipe(filters=6))
    model = build_model(recipe)
    assert (model.name, model.get_config()["filters"]) == ("tiny", 6)


def test_the_same_seed_gives_the_same_first_weights(write_recipe):
    recipe = read_recipe(write_recipe())
    one, other = build_model(recipe).get_weights(), build_model(recipe).get_weights()
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_the_hash_follows_what_decides_the_weights_and_not_the_prose(write_recipe):
    path = write_recipe()
    before = read_recipe(path).sha256
    path.write_text(path.read_text() + '\n[card]\nsummary = "Words."\n')
    assert read_recipe(path).sha256 == before
    assert read_recipe(write_recipe(seed=4)).sha256 != before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be positive"),
        ({"ema_decay": 1.0}, "ema_decay must lie in"),
        ({"class": '"Nothing"'}, "no model class 'Nothing'"),
        ({"class": '"__all__"'}, "no model class '__all__'"),
        ({"seed": "= 3"}, "not valid TOML"),
        ({"seed": "3\nsteps_per_call = 2"}, "7 and 3 are no multiples of 2"),
        ({"seed": "3\nrollbacks = -1"}, "cannot be negative"),
    ],
)
def test_a_wrong_value_is_named(write_recipe, changes, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(write_recipe(**changes))


def test_later_keys_at_their_defaults_leave_the_hash_of_older_recipes_alone(write_recipe):
    before = read_recipe(write_recipe()).sha256
    defaults = "3\nsteps_per_call = 1\nrollbacks = 3\ndivergence = 2.0"
    assert read_recipe(write_recipe(seed=defaults)).sha256 == before
    assert read_recipe(write_recipe(seed="3\ndivergence = 3.0")).sha256 != before


def test_sequences_are_not_kept_on_the_device(write_recipe):
    path = write_recipe(steps=6, seed="3\nsteps_per_call = 3\n[sequence]\nlength = 8")
    with pytest.raises(ValueError, match="examples of one size"):
        read_recipe(path)


def test_unknown_and_missing_keys_are_named(write_recipe):
    path = write_recipe()
    path.write_text(path.read_text().replace("batch_size", "batchsize"))
    with pytest.raises(ValueError, match=r"unknown keys \['batchsize'\] lacks \['batch_size'\]"):
        read_recipe(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no recipe"):
        read_recipe(tmp_path)
