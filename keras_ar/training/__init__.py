"""Training: a recipe in, a folder of the zoo out."""

from keras_ar.training.examples import even_batches, load_split
from keras_ar.training.recipe import EvaluationRecipe, Recipe, build_model, read_recipe
from keras_ar.training.run import run_recipe
from keras_ar.training.trainer import Trainer
from keras_ar.training.workers import Workers, find_workers

__all__ = [
    "EvaluationRecipe",
    "Recipe",
    "Trainer",
    "Workers",
    "build_model",
    "even_batches",
    "find_workers",
    "load_split",
    "read_recipe",
    "run_recipe",
]
