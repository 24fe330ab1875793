"""Beam search: against every sequence that there is, and against the probabilities."""

import numpy as np
import pytest
from checks import (
    all_images,
    conditions_of,
    parameters,
    random_condition,
    randomized,
    to_numpy,
)
from keras import ops
from marks import marked
from sequence_variants import SEQUENCE_VARIANTS

from keras_ar.models import WaveNet

PROMPT = [2, 0, 1]
# The variants of which the memories differ: cells, queues with their rings, frames over time.
SEARCHED = ["char_rnn_lstm", "char_rnn_gru", "temporal_conv_net", "wavenet_both"]


def one_condition(model, length: int):
    parts = tuple(x[0] for x in conditions_of(random_condition(model, 1, length=length)))
    return parts if len(parts) > 1 else parts[0] if parts else None


def continuations(model, steps: int, condition) -> tuple[np.ndarray, np.ndarray]:
    """Return every sequence that begins with the prompt, the likeliest first, and how likely."""
    every = np.indices((model.vocabulary_size,) * steps).reshape(steps, -1).T
    whole = np.concatenate([np.tile(PROMPT, (len(every), 1)), every], axis=1)
    log_prob = to_numpy(model.log_prob(whole, condition))
    log_prob = log_prob - np.logaddexp.reduce(log_prob.astype("float64"))
    order = np.argsort(-log_prob)
    return whole[order], log_prob[order]


@pytest.mark.parametrize("name", SEARCHED)
def test_with_enough_beams_the_search_is_exhaustive_and_its_scores_are_exact(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    steps = 4
    condition = one_condition(model, len(PROMPT) + steps)
    sequences, log_prob = continuations(model, steps, condition)
    width = 3 ** (steps - 1)
    found, scores = model.beam_search(
        len(PROMPT) + steps, prompt=PROMPT, beam_width=width, condition=condition, verbose=False
    )
    np.testing.assert_array_equal(found, sequences[:width])
    np.testing.assert_allclose(scores, log_prob[:width], rtol=1e-5, atol=1e-5)
    assert found.dtype == np.uint8


def test_no_more_beams_come_back_than_there_are_sequences():
    model = randomized(SEQUENCE_VARIANTS["char_rnn_gru"])
    found, scores = model.beam_search(3, beam_width=40, verbose=False)
    every = all_images(model)[:, :3]
    assert len(found) == len(np.unique(found, axis=0)) == len(np.unique(every, axis=0)) == 27
    assert np.exp(scores.astype("float64")).sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(to_numpy(model.log_prob(found)), scores, rtol=1e-5)


def test_one_beam_takes_the_most_likely_code_at_every_step():
    model = randomized(SEQUENCE_VARIANTS["char_rnn_lstm"])
    found, scores = model.beam_search(11, prompt=PROMPT, beam_width=1, verbose=False)
    taken = model.complete([PROMPT], length=11, top_k=1, cached=False, verbose=False)
    np.testing.assert_array_equal(found, taken)
    whole, given = (to_numpy(model.log_prob(x))[0] for x in (found, [PROMPT]))
    assert scores[0] == pytest.approx(whole - given, rel=1e-5)


def plain_beam_search(model, length: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Search by a pass over the whole for every step, in NumPy."""
    beams, scores = np.zeros((1, 0), "int32"), np.zeros(1)
    for step in range(length):
        padded = np.pad(beams, [(0, 0), (0, length - step)])
        logits = to_numpy(ops.log_softmax(parameters(model, padded)[:, step], axis=-1))
        total = (scores[:, None] + logits).ravel()
        best = np.argsort(-total)[:width]
        parents, codes = np.divmod(best, model.vocabulary_size)
        beams = np.concatenate([beams[parents], codes[:, None].astype("int32")], axis=1)
        scores = total[best]
    return beams, scores


@pytest.mark.parametrize("name", marked(["char_rnn_lstm", "wavenet_codes"], slow=["char_rnn_lstm"]))
def test_beams_take_their_memories_along_over_compiled_chunks(name):
    model = randomized(SEQUENCE_VARIANTS[name])
    model.sampler.chunk = 4
    found, scores = model.beam_search(13, beam_width=5, verbose=False)
    beams, totals = plain_beam_search(model, 13, 5)
    np.testing.assert_array_equal(found, beams)
    np.testing.assert_allclose(scores, totals, rtol=1e-5)


def test_impossible_searches_are_refused():
    model = SEQUENCE_VARIANTS["char_rnn_lstm"]()
    for options, message in [
        ({"length": 3, "beam_width": 0}, "beam_width must be at least 1"),
        ({"length": 0}, "length must be above the 0 codes"),
        ({"length": 3, "prompt": PROMPT}, "length must be above the 3 codes"),
        ({"length": 5, "prompt": [PROMPT]}, r"prompt must have shape \(time,\)"),
        ({"length": 5, "prompt": 2}, r"prompt must have shape \(time,\)"),
        ({"length": 5, "prompt": []}, "is empty"),
        ({"length": 5, "prompt": [0, 3]}, r"must lie in 0\.\.2"),
        ({"length": 5, "prompt": [0, -1]}, r"must lie in 0\.\.2"),
        ({"length": 5, "condition": [0]}, "unconditional"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.beam_search(**options)
    with pytest.raises(ValueError, match="conditional: pass condition="):
        SEQUENCE_VARIANTS["wavenet_classes"]().beam_search(3)
    mixture = WaveNet(num_mixtures=2, num_stacks=1, layers_per_stack=1, filters=2)
    with pytest.raises(ValueError, match="compares the logits of all codes"):
        mixture.beam_search(3)
