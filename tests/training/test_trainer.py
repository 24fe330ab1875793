"""A run can be stopped anywhere, goes on with the same bits, and never loses good weights."""

import json
import time

import numpy as np
import pytest
from keras import ops

from keras_ar.training import Trainer, read_recipe


def _state(trainer) -> list[np.ndarray]:
    groups = trainer._groups
    return [np.array(v.numpy()) for group in groups.values() for v in group]


def _same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(
    write_recipe, random_model, load_random, tmp_path
):
    recipe = read_recipe(write_recipe(**random_model))
    straight = Trainer(recipe, tmp_path / "straight", load=load_random)
    straight.train()

    stopped = Trainer(recipe, tmp_path / "stopped", load=load_random)
    # What a kill -9 leaves is the checkpoint: here after a whole round and two steps of the next.
    stopped._train_round(3, lambda: False)
    stopped._save()
    stopped._train_round(2, lambda: False)
    stopped._save()
    stopped._train_round(1, lambda: False)
    resumed = Trainer(recipe, tmp_path / "stopped", load=load_random)
    assert resumed.progress.step == 5
    resumed.train()

    assert resumed.progress.step == straight.progress.step == 7
    assert _same(_state(straight), _state(resumed))


def test_training_goes_on_from_the_trained_weights_and_not_from_their_averages(
    write_recipe, load_random, tmp_path
):
    trainer = Trainer(read_recipe(write_recipe()), tmp_path / "run", load=load_random)
    trainer._train_round(3, lambda: False)
    before = _state(trainer)
    with trainer.averaged_weights():
        assert not _same(before, _state(trainer))
    assert _same(before, _state(trainer))


def test_validation_improves_on_learnable_images_and_the_best_weights_are_kept(
    write_recipe, tmp_path
):
    def load(name, split, *, labels):
        return np.full((16, 4, 4, 1), 3, np.uint8)

    recipe = read_recipe(write_recipe(steps=30, steps_per_round=10))
    trainer = Trainer(recipe, tmp_path / "run", load=load)
    progress = trainer.train()
    values = [record["validation_bits_per_dim"] for record in progress.history]
    assert values[-1] < 0.8 * values[0]
    trainer.load_best()
    images = load("", "train", labels=False)
    assert np.mean(trainer.model.bits_per_dim(images)) == pytest.approx(min(values), rel=1e-5)
    lines = trainer.history_path.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20, 30]


def test_a_loss_that_is_not_finite_stops_with_the_step_and_keeps_the_checkpoint(
    write_recipe, load_random, tmp_path
):
    trainer = Trainer(read_recipe(write_recipe(steps=60)), tmp_path / "run", load=load_random)
    trainer._train_round(3, lambda: False)
    trainer._save()
    good = trainer.checkpoint_path.read_bytes()
    for variable in trainer.model.trainable_variables:
        variable.assign(ops.full(variable.shape, float("nan")))
    with pytest.raises(FloatingPointError, match=r"no longer finite at step 4"):
        trainer.train()
    assert trainer.checkpoint_path.read_bytes() == good


def test_the_time_limit_stops_between_two_steps_and_leaves_a_checkpoint(
    write_recipe, load_random, tmp_path
):
    recipe = read_recipe(write_recipe(steps=10**6, steps_per_round=10**6))
    trainer = Trainer(recipe, tmp_path / "run", load=load_random)
    started = time.monotonic()
    progress = trainer.train(time_limit=0.5)
    assert 0 < progress.step < 10**6
    assert time.monotonic() - started < 60.0
    assert Trainer(recipe, tmp_path / "run", load=load_random).progress.step == progress.step


def test_a_checkpoint_of_another_recipe_is_refused(write_recipe, load_random, tmp_path):
    trainer = Trainer(read_recipe(write_recipe()), tmp_path / "run", load=load_random)
    trainer._save()
    with pytest.raises(ValueError, match="another recipe"):
        Trainer(read_recipe(write_recipe(learning_rate=0.5)), tmp_path / "run", load=load_random)
    with pytest.raises(ValueError, match="another model or optimizer"):
        Trainer(read_recipe(write_recipe(filters=6)), tmp_path / "run", load=load_random)


def test_a_damaged_checkpoint_is_refused_with_its_path(write_recipe, load_random, tmp_path):
    recipe = read_recipe(write_recipe())
    trainer = Trainer(recipe, tmp_path / "run", load=load_random)
    trainer._save()
    whole = trainer.checkpoint_path.read_bytes()
    trainer.checkpoint_path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"checkpoint\.npz cannot be read"):
        Trainer(recipe, tmp_path / "run", load=load_random)


def test_images_that_do_not_fit_the_model_are_refused_before_training(write_recipe, tmp_path):
    def load(name, split, *, labels):
        return np.full((8, 4, 4, 1), 9, np.uint8)

    with pytest.raises(ValueError, match=r"0\.\.3"):
        Trainer(read_recipe(write_recipe()), tmp_path / "run", load=load)
