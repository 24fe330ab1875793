"""WAV files of every width, and what is wrong with some."""

import struct
import wave

import numpy as np
import pytest

from keras_ar.data import read_wav, write_wav


def write_pcm(path, samples: bytes, *, width: int = 2, channels: int = 1, rate: int = 8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", "not compressed"))
        file.writeframes(samples)
    return path


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(tag: int, bits: int, data: bytes, *, extra: bytes = b"", before: bytes = b"") -> bytes:
    """Spell a WAV file of one channel and 8000 samples a second out."""
    header = struct.pack("<HHIIHH", tag, 1, 8000, 8000 * bits // 8, bits // 8, bits) + extra
    return chunk(b"RIFF", b"WAVE" + before + chunk(b"fmt ", header) + chunk(b"data", data))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_ends_the_middle_and_one_step_of_every_width_are_exact(tmp_path, width):
    half = 2 ** (8 * width - 1)
    step = max(1, half // 2**23)
    samples = [-half, -step, 0, step, half - step]
    offset = half if width == 1 else 0  # 8-bit samples alone are unsigned.
    data = b"".join((x + offset).to_bytes(width, "little", signed=width > 1) for x in samples)
    waveform, rate = read_wav(write_pcm(tmp_path / "a.wav", data, width=width))
    assert (waveform.dtype, rate) == (np.float32, 8000)
    np.testing.assert_array_equal(waveform.astype(np.float64), np.array(samples) / half)


def test_the_loudest_32_bit_sample_stays_below_one(tmp_path):
    data = struct.pack("<i", 2**31 - 1)
    waveform, _ = read_wav(write_pcm(tmp_path / "a.wav", data, width=4))
    assert waveform[0] < 1


def test_a_written_waveform_comes_back_and_is_written_again_bit_for_bit(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 1000)
    write_wav(tmp_path / "a.wav", samples / 32768, 16000)
    waveform, rate = read_wav(tmp_path / "a.wav", 16000)
    assert rate == 16000
    np.testing.assert_array_equal(waveform * 32768, samples)
    write_wav(tmp_path / "b.wav", waveform, rate)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("values", [[0.0] * 5, [0.25], [1.0, -1.0] * 3])
def test_silence_a_single_sample_and_full_loudness_pass(tmp_path, values):
    write_wav(tmp_path / "a.wav", np.array(values), 8000)
    waveform, _ = read_wav(tmp_path / "a.wav")
    np.testing.assert_allclose(waveform, values, atol=1 / 32768)


def test_pcm_said_in_the_long_way_and_chunks_before_it_are_read(tmp_path):
    guid = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    extra = struct.pack("<HHIH", 22, 24, 4, 1) + guid
    data = b"\x00\x00\x40\x00\x00\xc0"
    before = chunk(b"LIST", b"odd") + chunk(b"bext", b"even")
    (tmp_path / "a.wav").write_bytes(riff(0xFFFE, 24, data, extra=extra, before=before))
    waveform, _ = read_wav(tmp_path / "a.wav")
    assert waveform.tolist() == [0.5, -0.5]


def test_floats_said_in_the_long_way_are_refused_too(tmp_path):
    extra = struct.pack("<HHIH", 22, 32, 4, 3) + b"\x00" * 14
    (tmp_path / "a.wav").write_bytes(riff(0xFFFE, 32, b"\0" * 8, extra=extra))
    with pytest.raises(ValueError, match="floating-point"):
        read_wav(tmp_path / "a.wav")


def test_another_rate_than_asked_is_refused_with_both(tmp_path):
    write_wav(tmp_path / "a.wav", np.zeros(4), 22050)
    with pytest.raises(ValueError, match=r"a\.wav has 22050 samples a second, not 8000: resample"):
        read_wav(tmp_path / "a.wav", 8000)


def test_several_channels_are_refused(tmp_path):
    write_pcm(tmp_path / "a.wav", b"\0" * 8, channels=2)
    with pytest.raises(ValueError, match=r"a\.wav has 2 channels"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a WAV file"),
        (b"ID3 this is no sound at all", "not a WAV file"),
        (riff(1, 16, b""), "holds no samples"),
        (riff(3, 32, b"\0" * 8), "floating-point samples: convert it to 16-bit PCM"),
        (riff(7, 8, b"\0" * 8), r"compressed samples \(format 7\)"),
        (riff(1, 16, b"\0" * 8)[:-4], "damaged: it announces 4 samples and holds 2"),
        (riff(1, 16, b"\0" * 8)[:30], "damaged or not a WAV file: it ends too early"),
        (riff(1, 16, b"\0" * 8)[:14], "damaged or not a WAV file: it ends too early"),
        (riff(1, 16, b"\0" * 8)[:36], "damaged or not a WAV file: .* missing"),
        (riff(1, 64, b"\0" * 8), "samples of 64 bits"),
        (riff(1, 16, b"\0" * 8).replace(struct.pack("<I", 8000), b"\0" * 4), "0 samples a second"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_with_a_reason(tmp_path, data, message):
    (tmp_path / "odd.wav").write_bytes(data)
    with pytest.raises(ValueError, match=message) as error:
        read_wav(tmp_path / "odd.wav")
    assert "odd.wav" in str(error.value)


def test_a_damaged_file_is_refused_with_a_value_error_whatever_the_damage(tmp_path):
    rng = np.random.default_rng(0)
    whole = riff(1, 16, bytes(range(40)))
    for _ in range(1000):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        (tmp_path / "a.wav").write_bytes(data)
        try:
            waveform, _ = read_wav(tmp_path / "a.wav")
        except ValueError as error:
            assert "a.wav" in str(error)
        else:
            assert (np.abs(waveform) <= 1).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.wav"):
        read_wav(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("waveform", "rate", "message"),
    [
        (np.array([0.0, 1.01]), 8000, "such as 1.01"),
        (np.array([np.nan]), 8000, "such as nan"),
        (np.array([1, 2], np.int16), 8000, "received int16"),
        (np.zeros(0), 8000, "at least one value"),
        (np.zeros((2, 2)), 8000, r"shape \(2, 2\)"),
        (np.zeros(2), 0, "sample_rate must be at least 1; received 0"),
    ],
)
def test_what_would_have_to_be_clipped_or_guessed_is_not_written(tmp_path, waveform, rate, message):
    with pytest.raises(ValueError, match=message):
        write_wav(tmp_path / "a.wav", waveform, rate)
    assert not (tmp_path / "a.wav").exists()
