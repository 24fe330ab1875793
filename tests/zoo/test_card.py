"""A card is what the Hub can read, and its numbers are those of the folder."""

import json

import pytest
from huggingface_hub import ModelCard

import keras_ar
from keras_ar.zoo.card import check_prose, format_measured, write_card


@pytest.mark.parametrize("name", keras_ar.zoo.list())
def test_the_header_of_a_card_names_library_data_and_result(name):
    folder = keras_ar.zoo.find_folder(name)
    results = json.loads((folder / "results.json").read_text())
    card = ModelCard((folder / "README.md").read_text())
    assert card.data.library_name == "keras"
    assert card.data.license == "apache-2.0"
    stated = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert stated[results["metric"]] == pytest.approx(results["value"], abs=1e-4)
    assert stated["bits_per_dim"] == pytest.approx(results["bits_per_dim"], abs=1e-4)
    assert any(tag.startswith("arxiv:") for tag in card.data.tags)


@pytest.mark.parametrize("name", keras_ar.zoo.list())
def test_a_card_is_what_the_folder_renders_today(name, tmp_path):
    folder = keras_ar.zoo.find_folder(name)
    for file in ("recipe.toml", "metadata.json", "results.json", "samples.txt"):
        if (folder / file).is_file():
            (tmp_path / file).write_text((folder / file).read_text())
    assert write_card(tmp_path).read_text() == (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("metric", "value", "nats", "error", "wanted"),
    [
        ("bits_per_dim", 3.4058, 7252.1, 14.27, "3.406 bits/dim ± 0.007"),
        ("nats_per_image", 79.8, 79.8, 0.2, "79.80 nats ± 0.20"),
    ],
)
def test_a_number_has_as_many_decimals_as_its_error(metric, value, nats, error, wanted):
    given = {"metric": metric, "value": value, "nats_per_image": nats, "standard_error": error}
    assert format_measured(given) == wanted


def test_missing_prose_is_named():
    with pytest.raises(ValueError, match="lacks arxiv, citation"):
        check_prose({"summary": "A model."})
