"""Models of sequences are served whole, and as streams whose state the client keeps."""

import functools
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exported_sequences import ExportedSequences

from keras_ar.models import CharRNN, WaveNet
from keras_ar.serving import signature_names
from keras_ar.serving.noise import draw_noise, draw_stream_noise
from keras_ar.serving.stream_state import StreamState

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="A SavedModel is written by TensorFlow."
)
refused = functools.partial(pytest.raises, tf.errors.InvalidArgumentError)


@pytest.fixture(scope="module")
def export_of(tmp_path_factory):
    return functools.cache(lambda name: ExportedSequences(name, tmp_path_factory.mktemp(name)))


# Every export takes seconds, and the second model differs by what its conditions are.
@pytest.fixture(params=["classes", pytest.param("features", marks=pytest.mark.slow)])
def exported(request, export_of) -> ExportedSequences:
    return export_of(request.param)


@pytest.fixture
def classes(export_of) -> ExportedSequences:
    return export_of("classes")


@pytest.fixture
def features(export_of) -> ExportedSequences:
    return export_of("features")


def test_the_signatures_are_named_and_take_the_conditions_of_the_model(exported):
    signatures = exported.reloaded.signatures
    assert set(signatures) == {"serving_default", *signature_names(exported.model)}
    conditions = set(exported.conditions(1, 1))
    for name, inputs, outputs in (
        ("serving_default", {"codes"} | conditions, {"log_prob"}),
        ("log_prob", {"codes"} | conditions, {"log_prob"}),
        ("bits_per_dim", {"codes"} | conditions, {"bits_per_dim"}),
        ("sample", {"count", "length", "seed", "temperature"} | conditions, {"codes"}),
        ("complete", {"codes", "known", "seed", "temperature"} | conditions, {"codes"}),
        ("start", {"count"}, {"state"}),
        ("absorb", {"state", "codes"} | conditions, {"state"}),
        ("stream", {"state", "length", "seed", "temperature"} | conditions, {"codes", "state"}),
    ):
        assert set(signatures[name].structured_input_signature[1]) == inputs
        assert set(signatures[name].structured_outputs) == outputs


def test_nothing_in_the_graph_needs_xla(exported):
    from tensorflow.core.protobuf import saved_model_pb2

    content = (exported.path / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    functions = graph.graph_def.library.function
    operations = {node.op for function in functions for node in function.node_def}
    assert "While" in operations
    assert not [name for name in operations if name.startswith("Xla")]
    assert not [f for f in functions if f.attr["_XlaMustCompile"].b]


@pytest.mark.parametrize("count", [1, 3])
def test_the_likelihood_is_that_of_the_keras_model_also_behind_ends(exported, count):
    codes = exported.codes(count, 21)
    codes[0, 13:] = -1
    conditions, given = exported.conditions(count, 21), exported.in_python(count, 21)
    wanted = exported.model.log_prob(codes, given).numpy()
    for signature in ("log_prob", "serving_default"):
        got = exported.call(signature, codes=codes, **conditions)["log_prob"]
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    bits = exported.call("bits_per_dim", codes=codes, **conditions)["bits_per_dim"]
    expected = exported.model.bits_per_dim(codes, given)
    np.testing.assert_allclose(bits, expected, rtol=1e-5, atol=1e-5)


def test_a_wrong_row_is_not_a_number_and_harms_no_other(exported):
    codes = exported.codes(7, 9)
    conditions = exported.conditions(7, 9)
    right = exported.call("log_prob", codes=codes, **conditions)["log_prob"]
    codes[1, 4] = exported.model.vocabulary_size
    codes[2, 4] = -2
    codes[3, 4] = -1  # A code follows.
    codes[4] = -1
    conditions["condition"][5] = 3
    for signature in ("log_prob", "bits_per_dim"):
        (got,) = exported.call(signature, codes=codes, **conditions).values()
        np.testing.assert_array_equal(np.isnan(got), [0, 1, 1, 1, 1, 1, 0])
    got = exported.call("log_prob", codes=codes, **conditions)["log_prob"]
    np.testing.assert_allclose(got[[0, 6]], right[[0, 6]], rtol=1e-6)


def test_samples_are_decided_by_the_seed_and_are_those_of_the_keras_model(exported):
    first = exported.sample()
    assert first.dtype == np.int32 and first.shape == (3, 20)
    np.testing.assert_array_equal(first, exported.sample())
    assert np.any(first != exported.sample(seed=(0, 1)))
    assert np.any(first != exported.sample(seed=(1, 0)))
    assert np.any(first[0] != first[1])
    np.testing.assert_array_equal(first, exported.keras_sample(3, 20))
    cold = [exported.sample(seed=(seed, 0), temperature=1e-5) for seed in (5, 6)]
    assert np.mean(cold[0] == cold[1]) > 0.9


@pytest.mark.parametrize("prefix", [0, 1, 13])
def test_a_completion_keeps_known_codes_and_goes_on_as_a_sample_would(exported, prefix):
    sampled = exported.sample()
    known = np.zeros(sampled.shape, bool)
    known[:, :prefix] = known[0, 15] = True
    chance = {"seed": np.int32((0, 0)), "temperature": np.float32(1)}
    inputs = {"known": known, **chance, **exported.conditions(*sampled.shape)}
    completed = exported.call("complete", codes=np.where(known, sampled, 0), **inputs)["codes"]
    np.testing.assert_array_equal(completed, sampled)
    other = exported.codes(*sampled.shape)
    completed = exported.call("complete", codes=other, **inputs)["codes"]
    np.testing.assert_array_equal(completed[known], other[known])
    assert np.any(completed != sampled)
    inputs["known"] = np.ones(sampled.shape, bool)
    np.testing.assert_array_equal(exported.call("complete", codes=other, **inputs)["codes"], other)


# Streams ----------------------------------------------------------------------------------------


def test_a_stream_in_parts_is_one_run_and_a_sample_of_its_seed(exported):
    seeds, temperatures = [[0, 7], [3, 4]], [1.0, 0.7]
    conditions = exported.conditions(2, 22)
    whole, end = exported.stream(exported.start(2), 22, conditions, seeds, temperatures)
    state, parts = exported.start(2), []
    for start, stop in ((0, 4), (4, 12), (12, 16), (16, 22)):
        some = exported.frames(conditions, slice(start, stop))
        codes, state = exported.stream(state, stop - start, some, seeds, temperatures)
        assert codes.shape == (2, stop - start)
        parts.append(codes)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    np.testing.assert_allclose(state, end, rtol=1e-6, atol=1e-6)
    alone = exported.sample(count=1, length=22, seed=seeds[0])
    np.testing.assert_array_equal(whole[:1], alone)


def test_clients_at_different_times_in_one_batch_get_what_each_gets_alone(exported):
    conditions = exported.conditions(2, 20)
    one, other = ({k: x[row : row + 1] for k, x in conditions.items()} for row in (0, 1))
    frames = exported.frames
    seeds, temperatures = [[5, 6], [7, 8]], [1.0, 0.5]
    # One client has had 4 codes, the other 12: then both ask for 8.
    _, early = exported.stream(exported.start(1), 4, frames(one, slice(0, 4)), seeds[:1])
    _, late = exported.stream(exported.start(1), 12, frames(other, slice(0, 12)), seeds[1:])
    parts = [frames(one, slice(4, 12)), frames(other, slice(12, 20))]
    alone = [
        exported.stream(state, 8, part, [seed], [temperature])
        for state, part, seed, temperature in zip(
            (early, late), parts, seeds, temperatures, strict=True
        )
    ]
    both = {name: np.concatenate([part[name] for part in parts]) for name in conditions}
    state = np.concatenate([early, late])
    codes, after = exported.stream(state, 8, both, seeds, temperatures)
    np.testing.assert_array_equal(codes, np.concatenate([x for x, _ in alone]))
    np.testing.assert_allclose(after, np.concatenate([x for _, x in alone]), rtol=1e-5, atol=1e-5)


def test_a_stream_goes_on_from_given_codes_as_a_completion_does(exported):
    given, length = exported.codes(1, 24), 24
    conditions, state = exported.conditions(1, length), exported.start(1)
    for start, stop in ((0, 4), (4, 16)):
        some = exported.frames(conditions, slice(start, stop))
        state = exported.call("absorb", state=state, codes=given[:, start:stop], **some)["state"]
    some = exported.frames(conditions, slice(16, length))
    codes, _ = exported.stream(state, 8, some, [[0, 9]])
    known = np.arange(length)[None] < 16
    chance = {"seed": np.int32([0, 9]), "temperature": np.float32(1.0)}
    completed = exported.call("complete", codes=given, known=known, **chance, **conditions)
    np.testing.assert_array_equal(codes, completed["codes"][:, 16:])


def test_the_state_after_codes_is_the_same_absorbed_and_generated(exported):
    conditions = exported.conditions(2, 20)
    codes, state = exported.stream(exported.start(2), 20, conditions, [[1, 2], [3, 4]])
    absorbed = exported.call("absorb", state=exported.start(2), codes=codes, **conditions)["state"]
    np.testing.assert_allclose(absorbed, state, rtol=1e-5, atol=1e-5)
    assert np.any(state != exported.start(2))


@pytest.mark.parametrize("noise_size", [1, 2, 3])
def test_the_noise_of_a_stream_is_a_function_of_seed_and_place(noise_size):
    seeds = tf.constant([[0, 7], [-3, 2**31 - 1]])
    wanted = np.concatenate([draw_noise((1, 40, noise_size), seed) for seed in seeds])
    for first, length in ((0, 40), (1, 9), (17, 3), (39, 1)):
        starts = tf.constant([first, 0], "int64")
        found = draw_stream_noise(seeds, starts, length, noise_size).numpy()
        np.testing.assert_array_equal(found[0], wanted[0, first : first + length])
        np.testing.assert_array_equal(found[1], wanted[1, :length])
    far = tf.constant([2**34, 2**34 + 1], "int64")
    found = draw_stream_noise(tf.stack([seeds[0]] * 2), far, 5, noise_size).numpy()
    np.testing.assert_array_equal(found[0, 1:], found[1, :-1])
    assert not np.isin(found, wanted).any()


def test_the_loop_of_the_page_draws_what_one_run_does(classes):
    page = pathlib.Path(__file__).parents[2] / "docs" / "serving.md"
    section = page.read_text().partition("### Streams")[2].partition("## Query")[0]
    _, loop = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    names = {"served": classes.reloaded, "np": np, "tf": tf}
    exec(loop, names)
    prompt, codes = names["prompt"], names["codes"]
    assert codes.shape == (1, 100)
    chance = {"seed": np.int32([0, 7]), "temperature": np.float32(1.0)}
    whole = np.concatenate([prompt, np.zeros_like(codes)], axis=1)
    known = np.arange(whole.shape[1])[None] < prompt.shape[1]
    wanted = classes.call("complete", codes=whole, known=known, **chance, **names["voice"])["codes"]
    np.testing.assert_array_equal(np.concatenate([prompt, codes], axis=1), wanted)


def test_the_states_are_as_large_as_the_page_says():
    wavenet = WaveNet(num_stacks=2, layers_per_stack=10, filters=32, skip_filters=128)
    for model, size in ((wavenet, 65_731), (CharRNN(65), 515)):
        assert StreamState(model.sampler.network).size == size


def test_every_signature_has_a_warm_up_request_and_answers_it(exported):
    from tensorflow_serving.apis import prediction_log_pb2

    path = exported.path / "assets.extra" / "tf_serving_warmup_requests"
    names = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        names.add(request.model_spec.signature_name)
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        for output in exported.call(request.model_spec.signature_name, **inputs).values():
            assert len(output) == 1 and np.all(np.isfinite(output))
    assert names == set(exported.reloaded.signatures)


# Refusals ---------------------------------------------------------------------------------------


def test_what_cannot_be_generated_is_refused(classes):
    for wrong, message in (
        ({"count": 0}, "count must be"),
        ({"length": 0}, "length must be"),
        ({"temperature": 0.0}, "temperature must be"),
        ({"condition": np.int32([0, 1])}, "condition needs a row per sequence"),
        ({"condition": np.int32([0, 1, 3])}, "class ids"),
    ):
        with refused(match=message):
            classes.sample(**wrong)
    codes, known = classes.codes(2, 5), np.zeros((2, 5), bool)
    inputs = {"seed": np.int32([0, 0]), "temperature": np.float32(1), **classes.conditions(2, 5)}
    for wrong, message in (
        ({"codes": np.full((2, 5), 11, "int32")}, "codes must lie in 0..10"),
        ({"codes": np.full((2, 5), -1, "int32")}, "codes must lie in 0..10"),
        ({"known": known[:, :4]}, "known must have the shape"),
        ({"codes": codes[:, :0], "known": known[:, :0]}, "number of codes must be at least 1"),
    ):
        with refused(match=message):
            classes.call("complete", **{"codes": codes, "known": known, **inputs, **wrong})


def test_what_cannot_be_streamed_is_refused(classes):
    with refused(match="count must be"):
        classes.start(0)
    state, condition = classes.start(2), classes.conditions(2, 1)
    inputs = {
        "state": state,
        "length": np.int32([2, 2]),
        "seed": np.zeros((2, 2), "int32"),
        "temperature": np.ones(2, "float32"),
        **condition,
    }
    for wrong, message in (
        ({"length": np.int32([2, 3])}, "length must be the same"),
        ({"length": np.int32([0, 0])}, "length must be at least 1"),
        ({"temperature": np.float32([1, 0])}, "temperature must be"),
        ({"seed": np.zeros((1, 2), "int32")}, "seed needs a row per state"),
        ({"condition": np.int32([0])}, "condition needs a row per state"),
        ({"condition": np.int32([0, 3])}, "class ids"),
        ({"state": state + 100}, "state must come from"),
    ):
        with refused(match=message):
            classes.call("stream", **inputs | wrong)
    for codes, message in (
        (classes.codes(1, 3), "codes needs a row per state"),
        (classes.codes(2, 3) - 11, "codes must lie in"),
        (classes.codes(2, 0), "number of codes must be at least 1"),
    ):
        with refused(match=message):
            classes.call("absorb", state=state, codes=codes, **condition)


@pytest.mark.slow
def test_frames_that_do_not_fit_are_refused_by_saying_how_many_are_needed(features):
    need = "one frame per 4 codes"
    codes, too_many = features.codes(2, 8), features.conditions(2, 9)
    for signature in ("log_prob", "bits_per_dim"):
        with refused(match=need):
            features.call(signature, codes=codes, **too_many)
    with refused(match=need):
        features.sample(2, 8, **too_many)
    with refused(match=need):
        features.stream(features.start(2), 8, too_many, np.zeros((2, 2)))
    # A part that ends inside a frame must be the last one.
    _, state = features.stream(features.start(2), 6, features.conditions(2, 6), np.zeros((2, 2)))
    with refused(match="multiples of 4"):
        features.stream(state, 8, features.conditions(2, 8), np.zeros((2, 2)))


def test_sequences_have_no_signatures_on_files():
    model = WaveNet(16, num_stacks=1, layers_per_stack=1, filters=2, skip_filters=2)
    names = ("log_prob", "bits_per_dim", "sample", "complete", "start", "absorb", "stream")
    assert signature_names(model) == names
