"""``keras-ar sample`` and ``keras-ar complete``: draw images, sound or text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from absl import app, flags

from keras_ar.cli.arguments import NAME_HELP, define_drawing_flags, read_condition
from keras_ar.cli.command import Command
from keras_ar.cli.generate_images import complete_images, sample_images
from keras_ar.cli.generate_sound import complete_sound, sample_sound
from keras_ar.cli.generate_text import complete_text, sample_text
from keras_ar.cli.labels import define_label_flags
from keras_ar.cli.model_folder import open_folder

__all__ = ["COMPLETE", "SAMPLE"]

# Flags that only some kinds of models understand, and which.
_KINDS_OF_FLAGS = {
    "count": ("images", "sound"),
    **dict.fromkeys(("images", "split", "rows_known", "mask"), ("images",)),
    **dict.fromkeys(("seconds", "digit", "speaker", "features_of"), ("sound",)),
    **dict.fromkeys(("recording", "seconds_known"), ("sound",)),
    **dict.fromkeys(("prompt", "length"), ("text",)),
}


def _draw(values: flags.FlagValues, name: str, ways: Mapping[str, Callable[..., None]]) -> None:
    """Draw what the model makes, in the way for its kind, if all flags are for that kind."""
    condition = read_condition(values.condition)
    folder = open_folder(name)
    for flag, kinds in _KINDS_OF_FLAGS.items():
        if flag in values and values[flag].present and folder.kind not in kinds:
            raise app.UsageError(
                f"--{flag} is for models of {' and '.join(kinds)}; {name} is a model of "
                f"{folder.kind}."
            )
    if folder.kind not in ways:
        raise ValueError(
            f"{folder.path} does not tell what its sequences of numbers stand for: metadata.json "
            "names no sample_rate of sound, and there is no vocabulary of text."
        )
    ways[folder.kind](values, folder, condition)


def _define_sequence_flags(values: flags.FlagValues) -> None:
    define_label_flags(values)
    flags.DEFINE_string(
        "features_of",
        None,
        "Sound: the WAV file whose log-mel features a vocoder is told, to make it sound again.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "prompt",
        None,
        "Text: how it begins; only characters that the model knows, which `info` prints.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "length",
        None,
        "Text: characters to draw, those of --prompt not counted. Default: 500.",
        lower_bound=1,
        flag_values=values,
    )


def _define_sample_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_integer(
        "count",
        None,
        "Images or recordings to draw. Default: 16 images, or 1 recording.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_float(
        "seconds",
        None,
        "Sound: length of each recording. Default: 1.0, or that of --features_of.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        None,
        "What to write. Default: samples.png for images and samples.wav for sound (of several, "
        "samples_0.wav and so on); text is printed, and written only if this is given.",
        flag_values=values,
    )
    define_drawing_flags(values)
    _define_sequence_flags(values)


def _sample(values: flags.FlagValues, name: str) -> None:
    _draw(values, name, {"images": sample_images, "sound": sample_sound, "text": sample_text})


SAMPLE = Command(
    name="sample",
    summary="Draw images, sound or text from a model.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Images: writes all of them on one sheet (--output), small ones enlarged. Sound: writes a WAV
    file per recording. Of both it prints how probable the model finds them on average. Text: it
    is printed while it is drawn.

    Flags that begin with Sound or Text are for models of that only. A vocoder, which makes sound
    of features, is told those of a recording: --features_of.""",
    examples=(
        "sample pixelcnn_binarized_mnist --count 25 --seed 1",
        "sample gated_pixelcnn_mnist --condition 7 --temperature 0.9 --output sevens.png",
        "sample wavenet_spoken_digit --digit 7 --speaker jackson --output seven.wav",
        "sample my_vocoder --features_of given.wav --output again.wav",
        "sample charrnn_tiny_shakespeare --prompt ROMEO: --length 1000 --temperature 0.8",
    ),
    define_flags=_define_sample_flags,
    run=_sample,
)


def _define_complete_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "images",
        None,
        "Images: a PNG of exactly the model's size",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split",
        None,
        "Images: instead of --images, a split of the data set the model was trained on, such as "
        "test.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "count",
        None,
        "How many images of --split, or different continuations of --recording. Default: 8 "
        "images, or 1 continuation.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "rows_known",
        None,
        "Images: the first so many rows are given; half of them if neither this nor --mask is "
        "there.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_string(
        "mask",
        None,
        "Images: instead of --rows_known, a PNG of the model's size, white where pixels are given.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "recording",
        None,
        "Sound: the WAV file to continue, of one channel and the model's sample rate.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "seconds_known",
        None,
        "Sound: how much of --recording is given. Default: all of it.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "seconds",
        None,
        "Sound: length of the result, what is given included. Default: one second more than that, "
        "or the length of --features_of.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        None,
        "What to write. Default: completed.png for images, completed.wav for sound.",
        flag_values=values,
    )
    define_drawing_flags(values)
    _define_sequence_flags(values)


def _complete(values: flags.FlagValues, name: str) -> None:
    if values.images and values.split is not None:
        raise app.UsageError("give either --images (one or more) or --split.")
    if values.mask is not None and values.rows_known is not None:
        raise app.UsageError("give --mask or --rows_known, not both.")
    if not (values.images or values.split or values.recording or values.prompt):
        raise app.UsageError(
            "say what to complete: --images (one or more) or --split for a model of images, "
            "--recording for sound, --prompt for text."
        )
    _draw(values, name, {"images": complete_images, "sound": complete_sound, "text": complete_text})


COMPLETE = Command(
    name="complete",
    summary="Fill in the unknown part of images, or continue sound or text.",
    arguments=("NAME",),
    details=f"""{NAME_HELP}

    Images: pixels are drawn in reading order, each given all pixels before it; known pixels stay
    as they are. Writes a sheet (--output) with one row per image: given, masked, completed.

    Sound: writes the beginning of --recording and what the model makes follow it, as WAV. Text:
    the same as `keras-ar sample` with a --prompt.""",
    examples=(
        "complete pixelcnn_binarized_mnist --split test --count 8 --rows_known 14",
        "complete pixelcnn_binarized_mnist --images a.png --images b.png --mask mask.png",
        "complete wavenet_spoken_digit --digit 7 --recording given.wav --seconds_known 0.2",
        'complete charrnn_tiny_shakespeare --prompt "To be, or "',
    ),
    define_flags=_define_complete_flags,
    run=_complete,
)
