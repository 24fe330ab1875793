"""A recipe: everything that decides what a training run does, in one TOML file."""

import dataclasses
import hashlib
import json
import pathlib
import tomllib
from typing import Any

import keras

from keras_ar import models

__all__ = ["OPTIMIZERS", "DataRecipe", "Recipe", "TrainingRecipe", "build_model", "read_recipe"]

# What a recipe may name, and the class of keras.optimizers; weight decay is decoupled in all.
OPTIMIZERS = {
    "adagrad": "Adagrad",
    "adam": "Adam",
    "lion": "Lion",
    "nadam": "Nadam",
    "rmsprop": "RMSprop",
}

# Keys that came later: at their defaults the hash of a recipe is what it was without them.
_LATER_KEYS = {"optimizer": "adam", "steps_per_call": 1, "rollbacks": 3, "divergence": 2.0}


@dataclasses.dataclass(frozen=True)
class DataRecipe:
    """Which images are trained on, and which decide.

    Args:
        name: TensorFlow Datasets name, or the path of an ``.npz`` file of arrays.
        train: Split that is trained on, in the syntax of TensorFlow Datasets.
        validation: Split on which the weights are chosen; it must not overlap ``train``.
        test: Split of the number that is published.
        labels: Whether the model is conditioned on the labels.
    """

    name: str
    train: str = "train"
    validation: str = "validation"
    test: str = "test"
    labels: bool = False


@dataclasses.dataclass(frozen=True)
class TrainingRecipe:
    """How the weights are found.

    Args:
        steps: Gradient steps of the whole run; the learning rate decays over them.
        batch_size: Images per step.
        learning_rate: Highest learning rate.
        warmup_steps: Steps over which the learning rate rises from zero.
        final_learning_rate: Fraction of ``learning_rate`` left at the end of the cosine decay.
        weight_decay: Decoupled weight decay; with Adam, 0 is Adam and more is AdamW.
        beta_1: Decay of the first moment, in optimizers that have one.
        beta_2: Decay of the second moment, in optimizers that have one.
        clip_norm: Largest norm of a gradient, all weights together; 0 is no limit.
        ema_decay: Decay of the averaged weights, which are the ones that are kept.
        steps_per_round: Steps between two validations, with a checkpoint at each.
        rounds_per_sheet: Rounds between two sheets of 16 samples; 0 draws none.
        validation_images: Images of the validation split used during training; 0 is all.
        flip: Whether images are mirrored at random.
        dtype_policy: Keras dtype policy, such as ``"mixed_bfloat16"``.
        seed: Seed of initial weights, data order and dropout.
        optimizer: ``"adagrad"``, ``"adam"``, ``"lion"``, ``"nadam"`` or ``"rmsprop"``.
        steps_per_call: Steps in one compiled call, with all examples on the device: less time
            between steps. It divides ``steps`` and ``steps_per_round``; not for sequences.
        rollbacks: How often a run may go back to its last checkpoint, with half the learning
            rate, before it stops.
        divergence: A round whose mean training value exceeds this many times the lowest one
            before, or that of a uniform guess, has diverged and is rolled back; 0 never is.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int = 0
    final_learning_rate: float = 0.0
    weight_decay: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    clip_norm: float = 0.0
    ema_decay: float = 0.999
    steps_per_round: int = 500
    rounds_per_sheet: int = 0
    validation_images: int = 0
    flip: bool = False
    dtype_policy: str = "float32"
    seed: int = 0
    optimizer: str = "adam"
    steps_per_call: int = 1
    rollbacks: int = 3
    divergence: float = 2.0

    def __post_init__(self):
        for name in ("steps", "batch_size", "learning_rate", "steps_per_round", "steps_per_call"):
            if not getattr(self, name) > 0:
                raise ValueError(f"[training] {name} must be positive; got {getattr(self, name)}.")
        if self.steps % self.steps_per_call or self.steps_per_round % self.steps_per_call:
            raise ValueError(
                f"[training] steps_per_call must divide steps and steps_per_round; {self.steps} "
                f"and {self.steps_per_round} are no multiples of {self.steps_per_call}."
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"[training] optimizer must be one of {sorted(OPTIMIZERS)}; got {self.optimizer!r}."
            )
        if self.rollbacks < 0 or self.divergence < 0:
            raise ValueError("[training] rollbacks and divergence cannot be negative.")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(f"[training] ema_decay must lie in [0, 1); got {self.ema_decay}.")


@dataclasses.dataclass(frozen=True)
class SequenceRecipe:
    """Which pieces of sequences make up a batch of training.

    Args:
        length: Values per piece; shorter sequences are taken whole.
        carries_state: Whether a piece goes on where the one before it in the batch ended, with
            the state of the recurrent network; otherwise pieces begin at random places.
        features: Name of the local condition that is computed from the examples: ``"log_mel"``,
            with as many bands and samples per frame as the model says.
    """

    length: int
    carries_state: bool = False
    features: str | None = None

    def __post_init__(self):
        if self.length < 2:
            raise ValueError(f"[sequence] length must be at least 2; got {self.length}.")
        if self.features not in (None, "log_mel"):
            raise ValueError(f"[sequence] features must be 'log_mel'; got {self.features!r}.")
        if self.carries_state and self.features:
            raise ValueError("[sequence] carries_state and features exclude each other.")


@dataclasses.dataclass(frozen=True)
class EvaluationRecipe:
    """How a model is measured whose likelihood depends on a number; nothing for all others.

    Args:
        orders: Numbers of orders of an order-agnostic model; each is an ensemble with a result of
            its own, and the last is the one that is published.
        importance_samples: Numbers of draws of the latents of a model that has some, likewise.
    """

    orders: tuple[int, ...] = ()
    importance_samples: tuple[int, ...] = ()

    def __post_init__(self):
        for name, numbers in dataclasses.asdict(self).items():
            if any(int(number) != number or number < 1 for number in numbers):
                raise ValueError(f"[evaluation] {name} must be positive integers; got {numbers}.")

    @property
    def choices(self) -> list[dict[str, int]]:
        """The options of ``log_prob`` with which to measure, one after the other."""
        return [{k: n} for k, numbers in dataclasses.asdict(self).items() for n in numbers]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A variant of the zoo and how it comes about.

    Args:
        variant: Name of the variant, and of its folder.
        model_class: Name of a class in ``keras_ar.models``.
        model: Arguments of that class.
        data: See ``DataRecipe``.
        training: See ``TrainingRecipe``.
        sequence: See ``SequenceRecipe``; ``None`` for models of images and vectors.
        evaluation: See ``EvaluationRecipe``.
        card: Prose of the model card, see ``keras_ar.zoo.card``.
        text: The file as it was read.
    """

    variant: str
    model_class: str
    model: dict[str, Any]
    data: DataRecipe
    training: TrainingRecipe
    sequence: SequenceRecipe | None
    evaluation: EvaluationRecipe
    card: dict[str, Any]
    text: str

    @property
    def sha256(self) -> str:
        """Hash of all that decides the weights, by which they name the recipe."""
        decisive = dataclasses.asdict(self)
        for other in ("card", "evaluation", "text"):
            del decisive[other]
        if self.sequence is None:
            del decisive["sequence"]
        for key, default in _LATER_KEYS.items():
            if decisive["training"][key] == default:
                del decisive["training"][key]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _section(cls, table: dict[str, Any], name: str, path: pathlib.Path):
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = sorted(set(table) - set(fields))
    missing = sorted(
        key
        for key, field in fields.items()
        if field.default is dataclasses.MISSING and key not in table
    )
    if unknown or missing:
        raise ValueError(
            f"{path}: section [{name}]"
            + (f" has unknown keys {unknown}" if unknown else "")
            + (f" lacks {missing}" if missing else "")
            + f"; it knows {sorted(fields)}."
        )
    return cls(**table)


def read_recipe(path: str | pathlib.Path) -> Recipe:
    """Read and check a recipe.

    Args:
        path: A ``recipe.toml``, or the folder that holds one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a section or key is missing, unknown or out of range.
    """
    path = pathlib.Path(path)
    path = path / "recipe.toml" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"There is no recipe at {path}; a recipe is a recipe.toml file.")
    text = path.read_text()
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}.") from None
    missing = sorted({"variant", "model", "data", "training"} - set(table))
    if missing or "class" not in table["model"]:
        raise ValueError(f"{path} lacks {missing or ['model.class']}.")
    model = dict(table["model"])
    model_class = model.pop("class")
    if not isinstance(getattr(models, model_class, None), type):
        raise ValueError(f"{path}: there is no model class {model_class!r} in keras_ar.models.")
    sequence = table.get("sequence")
    if sequence and table["training"].get("steps_per_call", 1) > 1:
        raise ValueError(
            f"{path}: [training] steps_per_call needs examples of one size on the device; leave "
            "it out beside a [sequence] section."
        )
    return Recipe(
        variant=table["variant"],
        model_class=model_class,
        model=model,
        data=_section(DataRecipe, table["data"], "data", path),
        training=_section(TrainingRecipe, table["training"], "training", path),
        sequence=sequence and _section(SequenceRecipe, sequence, "sequence", path),
        evaluation=_section(EvaluationRecipe, table.get("evaluation", {}), "evaluation", path),
        card=table.get("card", {}),
        text=text,
    )


def build_model(recipe: Recipe) -> models.AutoregressiveModel:
    """Build the recipe's model with fresh weights, under the present dtype policy."""
    keras.utils.set_random_seed(recipe.training.seed)
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in recipe.model.items()}
    return getattr(models, recipe.model_class)(**options, name=recipe.variant)
