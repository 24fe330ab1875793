"""WAV files of one channel as waveforms, and back."""

import io
import os
import struct
import wave
from pathlib import Path

import numpy as np

from keras_ar.data.linear_pcm import linear_encode

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE


def read_wav(
    path: str | os.PathLike[str], sample_rate: int | None = None
) -> tuple[np.ndarray, int]:
    """Read a WAV file of 8, 16, 24 or 32-bit PCM and one channel, as loud as it is.

    Values are the samples divided by the largest magnitude their type has; of 32 bits, the
    lowest 8, which float32 cannot hold, are cut off.

    Args:
        path: The file.
        sample_rate: Values per second the file must have; ``None`` takes any.

    Shapes:
        Waveform: ``(time,)``, float32 in [-1, 1).

    Returns:
        The waveform and its sample rate.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, not a WAV file, not PCM, has several channels,
            another rate or no samples; the message names it.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        with wave.open(io.BytesIO(_with_plain_header(data, path))) as file:
            channels, width, rate, count, *_ = file.getparams()
            samples = file.readframes(count)
    # The module reports a chunk that is larger than the file as a runtime error.
    except (wave.Error, EOFError, RuntimeError, struct.error) as error:
        reason = str(error) if isinstance(error, wave.Error) else "it ends too early"
        raise ValueError(f"{path} is damaged or not a WAV file: {reason}.") from error
    if rate < 1:
        raise ValueError(f"{path} is damaged: it announces {rate} samples a second.")
    if channels != 1:
        raise ValueError(f"{path} has {channels} channels: mix them down to one first.")
    if sample_rate is not None and rate != sample_rate:
        raise ValueError(
            f"{path} has {rate} samples a second, not {sample_rate}: resample it, or ask for "
            f"sample_rate={rate}."
        )
    if width not in (1, 2, 3, 4):
        raise ValueError(f"{path} has samples of {8 * width} bits; 8, 16, 24 and 32 can be read.")
    if len(samples) != count * width:
        raise ValueError(
            f"{path} is damaged: it announces {count} samples and holds {len(samples) // width}."
        )
    if not count:
        raise ValueError(f"{path} holds no samples.")
    return _to_floats(samples, width), rate


def write_wav(path: str | os.PathLike[str], waveform: np.ndarray, sample_rate: int) -> None:
    """Write a waveform as a WAV file of 16-bit PCM and one channel.

    Nothing is clipped and nothing made louder. What ``read_wav`` read from such a file is
    written back bit for bit.

    Args:
        path: The file; one that exists is replaced.
        waveform: ``(time,)``, float in [-1, 1], not empty.
        sample_rate: Values per second.

    Raises:
        ValueError: If the waveform has another shape, is empty, is not floats in [-1, 1], or
            the rate is not positive.
    """
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or not waveform.size:
        raise ValueError(
            f"A waveform must have shape (time,) and at least one value; received shape "
            f"{waveform.shape}."
        )
    if sample_rate < 1:
        raise ValueError(f"sample_rate must be at least 1; received {sample_rate}.")
    samples = (linear_encode(waveform) - 32768).astype("<i2")
    with open(path, "wb") as target, wave.open(target) as file:
        file.setparams((1, 2, sample_rate, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())


def _with_plain_header(data: bytes, path: Path) -> bytes:
    """Refuse what is not PCM, and put the plain tag where PCM is said in the long way.

    Programs write the long form, "extensible", for more than 16 bits; Python 3.11 refuses it.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path} is not a WAV file.")
    start = 12
    while start + 8 <= len(data) and data[start : start + 4] != b"fmt ":
        (size,) = struct.unpack_from("<I", data, start + 4)
        start += 8 + size + size % 2
    (tag,) = struct.unpack_from("<H", data, start + 8)
    if tag == _EXTENSIBLE:
        (tag,) = struct.unpack_from("<H", data, start + 32)
        data = data[: start + 8] + struct.pack("<H", tag) + data[start + 10 :]
    if tag != _PCM:
        kind = "floating-point samples" if tag == _FLOAT else f"compressed samples (format {tag})"
        raise ValueError(f"{path} holds {kind}: convert it to 16-bit PCM.")
    return data


def _to_floats(samples: bytes, width: int) -> np.ndarray:
    if width == 1:  # The only unsigned one.
        return (np.frombuffer(samples, np.uint8).astype(np.float32) - 128) / 128
    if width == 2:
        return np.frombuffer(samples, "<i2").astype(np.float32) / 2**15
    # The three highest bytes of each sample, behind a lowest one that is zero.
    rows = np.frombuffer(samples, np.uint8).reshape(-1, width)[:, -3:]
    words = np.pad(rows, ((0, 0), (1, 0))).view("<i4")[:, 0]
    return (words >> 8).astype(np.float32) / 2**23
