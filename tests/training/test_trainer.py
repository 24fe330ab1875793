"""A run can be stopped anywhere, goes on with the same bits, and never loses good weights."""

import importlib.util
import json
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from keras import ops

from keras_ar.training import Trainer, read_recipe, run_recipe
from keras_ar.zoo.golden import golden_differences
from keras_ar.zoo.preset import load_folder


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
    lines = trainer.folder.history.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20, 30]


def _poison(trainer) -> None:
    for variable in trainer.model.trainable_variables:
        variable.assign(ops.full(variable.shape, float("nan")))


def _learning_rate(trainer) -> float:
    return float(ops.convert_to_numpy(trainer.model.optimizer.learning_rate))


def test_a_run_whose_loss_is_lost_goes_back_and_on_with_half_the_learning_rate(
    write_recipe, load_random, tmp_path, caplog
):
    recipe = read_recipe(write_recipe())
    trainer = Trainer(recipe, tmp_path / "run", load=load_random)
    trainer._train_round(3, lambda: False)
    trainer._save()
    learning_rate = _learning_rate(trainer)
    _poison(trainer)
    assert trainer.train().step == 7
    assert "no longer finite at step 4. Back to step 3, with 0.5 of" in caplog.text
    assert all(np.all(np.isfinite(value)) for value in _state(trainer))

    # The same from the start at half the rate: nothing of the lost steps is left.
    again = Trainer(recipe, tmp_path / "again", load=load_random)
    again._train_round(3, lambda: False)
    again._save()
    again._restore(rollbacks=1)
    assert _learning_rate(again) == pytest.approx(learning_rate / 2.0)
    again._save()
    resumed = Trainer(recipe, tmp_path / "again", load=load_random)
    assert resumed.train().rollbacks == 1
    assert _same(_state(trainer), _state(resumed))


def test_weights_that_are_lost_in_the_last_step_of_a_round_are_not_saved(
    write_recipe, load_random, tmp_path, monkeypatch
):
    trainer = Trainer(read_recipe(write_recipe()), tmp_path / "run", load=load_random)
    fit = trainer.model.fit

    def poisoned_fit(*arguments, **options):
        history = fit(*arguments, **options)
        _poison(trainer)
        return history

    monkeypatch.setattr(trainer.model, "fit", poisoned_fit)
    with pytest.raises(FloatingPointError, match="no longer finite at step 2"):
        trainer._train_round(2, lambda: False)


def test_a_loss_that_stays_lost_stops_with_the_step_and_keeps_the_checkpoint(
    write_recipe, load_random, tmp_path
):
    recipe = read_recipe(write_recipe(learning_rate=1e30, warmup_steps=0, seed="3\nrollbacks = 1"))
    trainer = Trainer(recipe, tmp_path / "run", load=load_random)
    start = _state(trainer)
    with pytest.raises(FloatingPointError, match=r"no longer finite at step \d.* 1 rollback"):
        trainer.train()
    resumed = Trainer(recipe, tmp_path / "run", load=load_random)
    assert resumed.progress.rollbacks == 1
    assert _same(start, _state(resumed))


def test_a_round_far_worse_than_the_best_one_is_rolled_back(
    write_recipe, load_random, tmp_path, caplog
):
    recipe = read_recipe(write_recipe(seed="3\nrollbacks = 2"))
    trainer = Trainer(recipe, tmp_path / "run", load=load_random)
    trainer.progress.history.append({"train_bits_per_dim": 0.5})
    trainer._save()
    with pytest.raises(FloatingPointError, match=r"diverged at step 3: .* after 0\.5\. "):
        trainer.train()
    assert caplog.text.count("Back to step 0") == 2


@pytest.mark.parametrize(
    "flip",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["as they are", "mirrored"],
)
def test_many_steps_in_one_call_are_the_same_steps(write_recipe, load_random, tmp_path, flip):
    sizes = {"steps": 12, "steps_per_round": 6, "seed": f"3\nflip = {str(flip).lower()}"}
    states, values = [], []
    for number in (1, 3):
        sizes["batch_size"] = f"4\nsteps_per_call = {number}"
        recipe = read_recipe(write_recipe(**sizes))
        trainer = Trainer(recipe, tmp_path / f"{number}", load=load_random)
        progress = trainer.train()
        states.append(_state(trainer))
        values.append([record["train_bits_per_dim"] for record in progress.history])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-5)
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_many_steps_in_one_call_resume_with_the_same_bits(
    write_recipe, random_model, load_random, tmp_path
):
    sizes = {"steps": 8, "steps_per_round": 4, "seed": "3\nsteps_per_call = 2"}
    recipe = read_recipe(write_recipe(**random_model, **sizes))
    straight = Trainer(recipe, tmp_path / "straight", load=load_random)
    straight.train()
    stopped = Trainer(recipe, tmp_path / "stopped", load=load_random)
    stopped._train_round(2, lambda: False)
    stopped._save()
    resumed = Trainer(recipe, tmp_path / "stopped", load=load_random)
    assert resumed.train().step == 8
    assert _same(_state(straight), _state(resumed))


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
    whole = trainer.folder.checkpoint.read_bytes()
    trainer.folder.checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"checkpoint\.npz cannot be read"):
        Trainer(recipe, tmp_path / "run", load=load_random)


def test_images_that_do_not_fit_the_model_are_refused_before_training(write_recipe, tmp_path):
    def load(name, split, *, labels):
        return np.full((8, 4, 4, 1), 9, np.uint8)

    with pytest.raises(ValueError, match=r"0\.\.3"):
        Trainer(read_recipe(write_recipe()), tmp_path / "run", load=load)


_OTHER_BACKEND = """
import sys
import numpy as np
from keras_ar.training import Trainer, read_recipe

trainer = Trainer(read_recipe(sys.argv[1]), sys.argv[2])
np.savez(sys.argv[3], *[v.numpy() for group in trainer._groups.values() for v in group])
assert trainer.progress.step == 3
assert trainer.train().step == 6
"""


@pytest.mark.slow
def test_a_run_goes_on_with_the_other_backend(write_recipe, load_random, tmp_path):
    other = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    if importlib.util.find_spec(other) is None:
        pytest.skip(f"{other} is not installed")
    arrays = {split: load_random("", split, labels=False) for split in ("train", "validation")}
    np.savez(tmp_path / "random.npz", **arrays)
    recipe = write_recipe(steps=6, name=f'"{tmp_path / "random.npz"}"')
    trainer = Trainer(read_recipe(recipe), tmp_path / "run")
    trainer.train(rounds=1)
    command = [sys.executable, "-c", _OTHER_BACKEND, recipe, tmp_path / "run", tmp_path / "o.npz"]
    subprocess.run(command, env=os.environ | {"KERAS_BACKEND": other}, check=True, timeout=300)
    with np.load(tmp_path / "o.npz") as stored:
        assert _same(_state(trainer), [stored[name] for name in stored.files])
    assert Trainer(read_recipe(recipe), tmp_path / "run").progress.step == 6


def test_what_shows_a_model_trained_in_bfloat16_is_computed_in_float32(
    write_recipe, load_random, tmp_path
):
    arrays = {split: load_random("", split, labels=False) for split in ("train", "validation")}
    np.savez(tmp_path / "random.npz", **arrays)
    seed = '3\ndtype_policy = "mixed_bfloat16"'
    recipe = write_recipe(steps=3, seed=seed, name=f'"{tmp_path / "random.npz"}"')
    folder = run_recipe(recipe, work_dir=tmp_path / "run", output=tmp_path / "out")
    keras.config.set_dtype_policy("float32")
    assert golden_differences(load_folder(folder), folder)["log_prob"] < 1e-5
