"""Log-mel spectrograms."""

import numpy as np
import pytest

from keras_ar.data import log_mel


def sine(frequency: float, amplitude: float, count: int, rate: int = 8000) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(count) / rate)


def middles(num_bands: int, rate: int = 8000) -> np.ndarray:
    """The frequencies in the middle of the bands, in mel as far from each other."""
    top = 2595 * np.log10(1 + rate / 1400)
    return 700 * (10 ** (np.arange(1, num_bands + 1) * top / (num_bands + 1) / 2595) - 1)


@pytest.mark.parametrize(
    ("count", "hop", "frames"), [(1, 64, 1), (63, 64, 1), (64, 64, 1), (65, 64, 2), (6400, 64, 100)]
)
def test_every_value_belongs_to_one_frame(count, hop, frames):
    spectrum = log_mel(np.full(count, 0.1, np.float32), 8000, hop=hop)
    assert spectrum.shape == (frames, 40)
    assert spectrum.dtype == np.float32


def test_silence_is_finite_and_the_least():
    silence = log_mel(np.zeros(1000), 8000, hop=64)
    np.testing.assert_allclose(silence, -1.0, rtol=1e-6)
    noise = np.random.default_rng(0).uniform(-1e-6, 1e-6, 1000)
    assert (log_mel(noise, 8000, hop=64) >= silence.min()).all()


def test_a_sine_is_in_its_own_band_with_half_its_squared_amplitude():
    for band, frequency in enumerate(middles(10)):
        for amplitude in (0.01, 1.0):
            wave = sine(frequency, amplitude, 8000)
            inside = log_mel(wave, 8000, hop=1024, num_bands=10, window=4096)[3]
            assert inside.argmax() == band
            assert inside[band] == pytest.approx(1 + np.log10(amplitude**2 / 2) / 5, abs=0.005)


@pytest.mark.parametrize(("hop", "window"), [(64, 256), (32, 256), (64, 300), (128, 1024)])
def test_the_power_of_noise_is_what_the_bands_hold_together(hop, window):
    noise = np.random.default_rng(0).normal(0, 0.1, 80_000)
    spectrum = log_mel(noise, 8000, hop=hop, window=window, num_bands=20)
    inside = (10 ** (5 * (spectrum[20:-20] - 1))).sum(axis=1).mean()
    # The outer halves of the first and the last triangle have no neighbour to add up to 1 with.
    ends = np.interp(np.linspace(0, 4000, 4001), [0, *middles(20)[[0, -1]], 4000], [0, 1, 1, 0])
    assert inside == pytest.approx(0.01 * ends.mean(), rel=0.03)


def test_twice_the_amplitude_adds_the_logarithm_of_four():
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, 2000)
    soft, loud = (log_mel(scale * noise, 8000, hop=64) for scale in (1, 2))
    np.testing.assert_allclose(loud - soft, np.log10(4) / 5, atol=1e-5)


def test_a_frame_is_centred_on_its_own_values():
    for frame in range(5):
        click = np.zeros(5 * 64)
        click[frame * 64 + 31 : frame * 64 + 33] = 0.5
        assert log_mel(click, 8000, hop=64, num_bands=8).sum(axis=1).argmax() == frame


@pytest.mark.parametrize(("hop", "window"), [(64, 256), (64, 64), (65, 195)])
def test_a_reversed_waveform_has_the_reversed_frames(hop, window):
    noise = np.random.default_rng(0).uniform(-1, 1, 10 * hop)
    forward = log_mel(noise, 8000, hop=hop, window=window, num_bands=8)
    backward = log_mel(noise[::-1], 8000, hop=hop, window=window, num_bands=8)
    np.testing.assert_allclose(backward[::-1], forward, atol=1e-4)


def test_a_frame_does_not_depend_on_what_its_window_does_not_reach():
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, 1000)
    before = log_mel(noise, 8000, hop=50, window=200, num_bands=8)
    # Frame 9 is of the values 450 to 499; its window reaches 75 further on both sides.
    noise[:375] = noise[575:950] = 0
    after = log_mel(noise, 8000, hop=50, window=200, num_bands=8)
    np.testing.assert_allclose(after[9], before[9], atol=1e-5)
    assert (after[[8, 10]] != before[[8, 10]]).any(axis=1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"waveform": np.zeros(0)}, "at least one value"),
        ({"waveform": np.zeros((2, 9))}, r"shape \(2, 9\)"),
        ({"waveform": np.full(9, 1.5)}, "such as 1.5"),
        ({"waveform": np.full(9, np.nan)}, "such as nan"),
        ({"hop": 0}, "received 0, 40, 8000 and 0"),
        ({"num_bands": 0}, "received 64, 0, 8000 and 256"),
        ({"window": 63}, "received 64, 40, 8000 and 63"),
        ({"hop": 8}, "A window of 32 values is too short to tell 40 bands apart"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_reason(arguments, message):
    right = {"waveform": np.zeros(100), "sample_rate": 8000, "hop": 64}
    with pytest.raises(ValueError, match=message):
        log_mel(**(right | arguments))
