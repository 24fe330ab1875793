"""Waveforms as codes: mu-law and linear."""

import math

import numpy as np
import pytest

from keras_ar.data import linear_decode, linear_encode, mu_law_decode, mu_law_encode

LEVELS = (2, 3, 16, 255, 256, 257, 1024, 32768, 32769, 65535, 65536)


@pytest.mark.parametrize("levels", LEVELS)
def test_every_code_comes_back_from_its_waveform(levels):
    codes = np.arange(levels)
    waveform = mu_law_decode(codes, levels)
    assert waveform.dtype == np.float32
    assert waveform[0] == -1 and waveform[-1] == 1
    assert (np.diff(waveform) > 0).all()
    again = mu_law_encode(waveform, levels)
    np.testing.assert_array_equal(again, codes)
    assert again.dtype == (np.int16 if levels <= 32768 else np.int32)


def test_every_code_comes_back_whatever_the_number_of_levels():
    for levels in [*range(2, 3000), *range(3001, 65537, 97)]:
        codes = np.arange(levels)
        assert (mu_law_encode(mu_law_decode(codes, levels), levels) == codes).all(), levels


def test_the_codes_are_those_of_the_formula():
    for value in (-1.0, -0.3, -1e-4, 0.0, 1e-4, 0.02, 0.5, 1.0):
        compressed = math.copysign(math.log(1 + 255 * abs(value)) / math.log(256), value)
        expected = math.floor((compressed + 1) / 2 * 255 + 0.5)
        assert mu_law_encode(np.array(value)) == expected


def test_a_soft_waveform_stays_soft():
    soft = mu_law_decode(mu_law_encode(np.float32([0.01, -0.02, 0.005])))
    np.testing.assert_allclose(soft, [0.01, -0.02, 0.005], rtol=0.05)


@pytest.mark.parametrize("levels", [2, 5, 256, 65536])
def test_silence_is_the_code_in_the_middle(levels):
    assert mu_law_encode(np.zeros(3), levels).tolist() == [levels // 2] * 3


def test_silence_of_256_levels_decodes_to_the_documented_whisper():
    assert mu_law_decode(np.array([128])) == pytest.approx(0.00009, abs=5e-6)


def test_all_16_bit_samples_pass_through_linear_codes_unchanged():
    samples = np.arange(-32768, 32768).astype(np.int16)
    codes = linear_encode(samples / np.float32(32768))
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(codes - 32768, samples)
    waveform = linear_decode(codes)
    assert waveform.dtype == np.float32
    np.testing.assert_array_equal(waveform * 32768, samples)
    np.testing.assert_array_equal(linear_encode(waveform), codes)


def test_the_shape_is_kept():
    waveform = np.linspace(-1, 1, 24).reshape(2, 3, 4)
    assert mu_law_decode(mu_law_encode(waveform)).shape == (2, 3, 4)
    assert linear_decode(linear_encode(waveform)).shape == (2, 3, 4)


@pytest.mark.parametrize("encode", [mu_law_encode, linear_encode])
@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.array([0.0, 1.0001]), "1 of 2 values do not, such as 1.0001"),
        (np.array([-1.5, 0.0]), "such as -1.5"),
        (np.array([0.0, np.nan]), "such as nan"),
        (np.array([np.inf]), "such as inf"),
        (np.array([0, 1], np.int16), "received int16. Divide samples"),
    ],
)
def test_what_is_no_waveform_is_refused_rather_than_clipped(encode, waveform, message):
    with pytest.raises(ValueError, match=message):
        encode(waveform)


@pytest.mark.parametrize("decode", [mu_law_decode, linear_decode])
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([0, 65536]), "received 0 to 65536"),
        (np.array([5, -1]), "received -1 to 5. Cut the padding"),
        (np.array([5.0]), "must be integers; received float64"),
    ],
)
def test_codes_out_of_range_are_refused(decode, codes, message):
    with pytest.raises(ValueError, match=message):
        decode(codes)


@pytest.mark.parametrize("levels", [1, 65537])
def test_a_number_of_levels_out_of_range_is_refused(levels):
    with pytest.raises(ValueError, match=f"between 2 and 65536; received {levels}"):
        mu_law_encode(np.zeros(1), levels)
    with pytest.raises(ValueError, match=f"between 2 and 65536; received {levels}"):
        mu_law_decode(np.zeros(1, int), levels)
