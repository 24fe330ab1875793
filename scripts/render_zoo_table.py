"""Write the table of the zoo, and the course of every training, from the files of zoo/.

    python scripts/render_zoo_table.py            # write
    python scripts/render_zoo_table.py --check    # write nothing, exit 1 if out of date

Writes docs/zoo.md, docs/results.md and docs/images/<variant>_history.png, and replaces what stands
between

    <!-- zoo table: begin -->
    <!-- zoo table: end -->

in README.md (all variants) and in docs/<family>.md (the variants of that family). A variant that
has no results.json yet is left out, and named on stderr.
"""

import dataclasses
import hashlib
import json
import pathlib
import re
import sys
import tomllib
from typing import Any

import PIL.Image
from absl import app, flags
from zoo_card import card

_CHECK = flags.DEFINE_bool("check", False, "Only look whether everything is up to date.")
_ROOT = flags.DEFINE_string(
    "root", str(pathlib.Path(__file__).resolve().parents[1]), "The repository to work on."
)

_BEGIN, _END = "<!-- zoo table: begin -->", "<!-- zoo table: end -->"
_FILES = ("recipe.toml", "metadata.json", "results.json")
_COLUMNS = (
    "variant",
    "model",
    "data",
    "parameters",
    "measured",
    "in the paper",
    "trained on",
    "minutes",
    "examples seen",
)
# The picture carries this of the history it was drawn from; its pixels depend on the fonts.
_SOURCE_KEY = "history_sha256"


@dataclasses.dataclass(frozen=True)
class Variant:
    """What the folder of a variant says.

    Args:
        folder: The folder.
        recipe: Its ``recipe.toml``.
        metadata: Its ``metadata.json``.
        results: Its ``results.json``.
    """

    folder: pathlib.Path
    recipe: dict[str, Any]
    metadata: dict[str, Any]
    results: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the variant."""
        return self.folder.name

    @property
    def history(self) -> pathlib.Path:
        """The course of its training."""
        return self.folder / "history.jsonl"


def read_variants(zoo: pathlib.Path) -> tuple[list[Variant], list[str]]:
    """Read every folder of the zoo; those that are not finished come back as sentences."""
    variants, unfinished = [], []
    for folder in sorted(path.parent for path in zoo.glob("*/recipe.toml")):
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            unfinished.append(f"{folder.name} is left out: it has no {', no '.join(missing)}.")
            continue
        recipe = tomllib.loads((folder / _FILES[0]).read_text())
        metadata, results = (json.loads((folder / name).read_text()) for name in _FILES[1:])
        variants.append(Variant(folder, recipe, metadata, results))
    return variants, unfinished


def table(variants: list[Variant], to_zoo: str) -> str:
    """Write the table; ``to_zoo`` leads from the document to the folder of the variants."""
    if not variants:
        return "No variant has been measured yet."
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for variant in variants:
        prose = variant.recipe.get("card", {})
        training, results = variant.metadata["training"], variant.results
        cells = (
            f"[`{variant.name}`]({to_zoo}{variant.name}/README.md)",
            variant.recipe["model"]["class"],
            f"{prose.get('dataset_name', results['dataset'])}, {results['split']}",
            f"{variant.metadata['parameter_count']:,}",
            card.format_measured(results),
            prose.get("paper_result", ""),
            training["hardware"],
            f"{training['minutes']:.0f}",
            f"{training['images_seen']:,}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _kind_of(variants: list[Variant]) -> str:
    """Say whether the numbers are exact, or which ones are not."""
    exact = "exact log-likelihoods"
    if any(variant.results.get("is_bound") for variant in variants):
        return f"{exact} (those with ≤, of models with latents, bounds of them)"
    return exact


def zoo_page(variants: list[Variant], pictures: dict[pathlib.Path, Variant]) -> str:
    """Write docs/zoo.md."""
    parts = [
        "# The zoo",
        "<!-- Written by scripts/render_zoo_table.py: do not edit. -->",
        "Every number of this page is read from the files in `zoo/`: `scripts/train.py` and "
        "`scripts/evaluate.py` write them. ± is one standard error over the test images. All "
        f"results are {_kind_of(variants)} of the whole split, by the weights as they are stored. "
        "What the columns mean is told in [conventions](conventions.md).",
        table(variants, "../zoo/"),
        "```python\nimport keras_ar\n\nfor name in keras_ar.zoo.list():\n    print(name, "
        'keras_ar.zoo.describe(name)["value"])\n```',
    ]
    if pictures:
        parts += [
            "## The course of the trainings",
            "Training values are means over a round, by the weights in motion. Validation values "
            "are those of the averaged weights, on the part of the validation split that the "
            "recipe names. Bits per dimension, for binary images too.",
        ]
    for picture, variant in pictures.items():
        parts += [
            f"### {variant.name}",
            f"![Training and validation of {variant.name}](images/{picture.name})",
        ]
    return "\n\n".join(parts) + "\n"


def results_page(variants: list[Variant], docs: pathlib.Path) -> str:
    """Write docs/results.md: the tables on which models of one kind of data are compared."""
    binary = [v for v in variants if v.results["dataset"] == "binarized_mnist"]
    parts = [
        "# Results",
        "<!-- Written by scripts/render_zoo_table.py: do not edit. -->",
        f"The results are {_kind_of(variants)} of whole test splits, with the sign turned: lower "
        "is better. ± is one standard error over the examples.",
        "## MNIST in black and white",
        "The fixed binarisation of Larochelle and Murray (2011), all 10,000 test images, weights "
        "chosen on the validation images. Several orders or masks are ensembles: the logarithm of "
        "the mean probability. How each was trained stands in its card, and its course on "
        "[the page of the zoo](zoo.md).",
        table(binary, "../zoo/"),
    ]
    if (docs / "images" / "gradients.png").is_file():
        parts += [
            "What each of them looks at when it predicts the pixel in the middle (red): the mean "
            "absolute derivative of its logit by every pixel, over 32 test images "
            "(`scripts/plot_gradients.py`). A pixel that cannot matter is white: ConvNADE and "
            "DeepNADE are asked with the pixels that come first in their order, PixelCNN has a "
            "blind spot to the right, and Row LSTM sees a triangle; the others see all pixels "
            "before it. What PixelVAE looks at depends on its latents, so it is left out.",
            "![Derivatives of the middle pixel's logit by every pixel](images/gradients.png)",
        ]
    uci = docs / "uci_binary.json"
    if uci.is_file():
        stored = json.loads(uci.read_text())
        cells = {(cell["data"], cell["model"]): cell for cell in stored["cells"]}
        names = list(dict.fromkeys(model for _, model in cells))
        lines = ["| data | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
        for data in dict.fromkeys(data for data, _ in cells):
            row = [cells[data, name] for name in names]
            numbers = (f"{cell['nats']:.2f} ± {cell['standard_error']:.2f}" for cell in row)
            lines.append(f"| {data} | " + " | ".join(numbers) + " |")
        options = {
            cell["model"]: ", ".join(f"{k} {v}" for k, v in cell["options"].items() if k != "class")
            for cell in stored["cells"]
        }
        parts += [
            "## Binary sets of the UCI repository",
            "\n".join(lines),
            "By `scripts/uci_binary.py`, weights chosen on the validation examples: "
            + "; ".join(f"{name} with {text}" for name, text in options.items())
            + f". {stored['hardware']}. The published table could not be read when this page was "
            "written, so none stands beside ours; all that could be is what [a list of benchmarks]"
            "(https://www.wizwand.com/paper/68fa61301e209131ce9f31ec) quotes for the ensembles of "
            "orders in the paper on DeepNADE, 82.31 nats for dna and 9.68 for mushrooms. The "
            "splits of adult and dna are rebuilt ones, which differ from the original.",
        ]
    sequences = [v for v in variants if "unit" in v.results]
    if sequences:
        parts += [
            "## Sequences",
            "Bits of all sequences divided by the values of all. The recurrent and the masked "
            "branch of the models of text were trained on the same characters; how fast they are "
            "stands on [the page on performance](performance.md#sequences). The vocoder is told "
            "the features of what it predicts, so its number is not that of the other WaveNet's "
            "task.",
            table(sequences, "../zoo/"),
        ]
    return "\n\n".join(parts) + "\n"


def fill_in(text: str, body: str) -> str:
    """Replace what stands between the two marker lines, if they are there."""
    between = re.compile(f"(?<=^{_BEGIN}\n).*?(?=^{_END}$)", re.DOTALL | re.MULTILINE)
    return between.sub(lambda _: f"{body}\n", text)


def documents(
    root: pathlib.Path, variants: list[Variant], pictures: dict[pathlib.Path, Variant]
) -> dict[pathlib.Path, str]:
    """Return every document with a table as it should be."""
    docs = root / "docs"
    wanted = {
        docs / "zoo.md": zoo_page(variants, pictures),
        docs / "results.md": results_page(variants, docs),
    }
    readme = root / "README.md"
    if readme.is_file():
        wanted[readme] = fill_in(readme.read_text(), table(variants, "zoo/"))
    for page in sorted((root / "docs").glob("*.md")):
        if page not in wanted:
            family = [v for v in variants if v.name.startswith(f"{page.stem}_")]
            wanted[page] = fill_in(page.read_text(), table(family, "../zoo/"))
    return wanted


def _is_current(picture: pathlib.Path, variant: Variant) -> bool:
    if not picture.is_file():
        return False
    with PIL.Image.open(picture) as image:
        return image.info.get(_SOURCE_KEY) == _history_sha256(variant)


def _history_sha256(variant: Variant) -> str:
    return hashlib.sha256(variant.history.read_bytes()).hexdigest()


def draw_history(variant: Variant, picture: pathlib.Path) -> None:
    """Plot bits per dimension over images seen."""
    # Slow to import, and --check does without. A bare Figure draws with Agg and needs no display.
    from matplotlib.figure import Figure

    records = [json.loads(line) for line in variant.history.read_text().splitlines()]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for kind, style in (("train", "--"), ("validation", "-")):
        axes.plot(
            [record["images_seen"] for record in records],
            [record[f"{kind}_bits_per_dim"] for record in records],
            style,
            marker=".",
            label=kind,
        )
    axes.set(title=variant.name, xlabel="examples seen", ylabel="bits per dimension")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Software": None, _SOURCE_KEY: _history_sha256(variant)}
    figure.savefig(picture, dpi=110, metadata=metadata)


def main(argv: list[str]) -> int:
    """Write the documents and pictures, or check them."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}.")
    root = pathlib.Path(_ROOT.value)
    variants, unfinished = read_variants(root / "zoo")
    for sentence in unfinished:
        print(sentence, file=sys.stderr)
    images = root / "docs" / "images"
    pictures = {
        images / f"{variant.name}_history.png": variant
        for variant in variants
        if variant.history.is_file() and variant.history.stat().st_size
    }
    stale_pictures = {p: v for p, v in pictures.items() if not _is_current(p, v)}
    stale_texts = {
        path: text
        for path, text in documents(root, variants, pictures).items()
        if not path.is_file() or path.read_text() != text
    }
    leftovers = set(images.glob("*_history.png")) - set(pictures)
    stale = sorted({*stale_pictures, *stale_texts, *leftovers})
    if _CHECK.value:
        for path in stale:
            print(f"Out of date: {path.relative_to(root)}", file=sys.stderr)
        if stale:
            print("Run: python scripts/render_zoo_table.py", file=sys.stderr)
        return int(bool(stale))
    for picture, variant in stale_pictures.items():
        draw_history(variant, picture)
    for path, text in stale_texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in leftovers:
        path.unlink()
    for path in stale:
        print(f"Wrote {path.relative_to(root)}." if path.exists() else f"Removed {path}.")
    return 0


if __name__ == "__main__":
    app.run(main)
