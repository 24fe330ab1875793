"""Whatever model.weights.h5 holds: memory stays bounded, no other file is read, one sentence."""

import h5py
import numpy as np
from fault_cases import assert_plain, fault, faults
from refusal import TEXTS, refuse

from keras_ar.zoo.weights_files import count_weights


def _dataset(file: h5py.File) -> tuple[h5py.Group, str]:
    """Return a group that holds weights, and the name of the first array in it."""
    found = []
    file.visititems(lambda name, x: found.append(name) if isinstance(x, h5py.Dataset) else None)
    group, _, name = found[0].rpartition("/")
    return file[group], name


def _replace(file: h5py.File, **options) -> None:
    group, name = _dataset(file)
    del group[name]
    group.create_dataset(name, **options)


def _huge_chunked(file):
    _replace(file, shape=(50_000, 50_000), dtype="float32", chunks=(100, 100))


def _huge_compressed(file):
    _replace(file, shape=(50_000, 50_000), dtype="float32", compression="gzip", fillvalue=1.0)


def _compressed_zeros(file):
    _replace(file, data=np.zeros((4_000, 4_000), "float32"), compression="gzip")


def _external_link(file):
    group, name = _dataset(file)
    del group[name]
    group[name] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_link(file):
    group, name = _dataset(file)
    group.move(name, "elsewhere")
    group[name] = h5py.SoftLink(f"{group.name}/elsewhere")


def _external_data(file):
    _replace(file, shape=(100,), dtype="uint8", external=[("/etc/passwd", 0, 100)])


def _virtual(file):
    group, name = _dataset(file)
    shape = group[name].shape
    del group[name]
    layout = h5py.VirtualLayout(shape, "float32")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape)
    group.create_virtual_dataset(name, layout)


def _circle(file):
    file["layers/again"] = file["layers"]


def _deep(file):
    file.create_group("/".join("a" * 200))


def _objects(file):
    _replace(file, data=["a string"], dtype=h5py.string_dtype())


def _references(file):
    _replace(file, data=[file.ref], dtype=h5py.ref_dtype)


def _other_shape(file):
    group, name = _dataset(file)
    values = group[name][()]
    del group[name]
    group[name] = values.reshape(-1)


def _more(file):
    file["layers/more"] = np.zeros(10)


def _less(file):
    group, name = _dataset(file)
    del group[name]


def _swapped(file):
    """Keep all numbers, under names of other layers."""
    file.move("layers", "other")


def _empty(file):
    _replace(file, data=h5py.Empty("float32"))


WEIGHTS = {
    "10 GB declared, nothing stored": _huge_chunked,
    "10 GB declared, compressed": _huge_compressed,
    "64 MB of zeros, compressed": _compressed_zeros,
    "a link to another file": _external_link,
    "a link inside the file": _soft_link,
    "numbers from another file": _external_data,
    "a virtual array": _virtual,
    "groups in a circle": _circle,
    "groups nested 200 deep": _deep,
    "strings for numbers": _objects,
    "references for numbers": _references,
    "an array of another shape": _other_shape,
    "an array too many": _more,
    "an array too few": _less,
    "the arrays under other names": _swapped,
    "an array without a value": _empty,
}


@faults("model.weights.h5 is hostile", WEIGHTS)
def test_hostile_weights_are_refused(tiny_folder, case):
    with h5py.File(tiny_folder / "model.weights.h5", "r+") as file:
        case(file)
    assert (tiny_folder / "model.weights.h5").stat().st_size < 1_000_000
    refuse(tiny_folder, "model.weights.h5" if case not in (_more, _less, _empty) else "")


def _flip(data: bytes, where: int) -> bytes:
    return data[:where] + bytes([data[where] ^ 0xFF]) + data[where + 1 :]


_BYTES = {
    "an empty file": lambda data: b"",
    "text": lambda data: b"weights" * 100,
    "half of the file": lambda data: data[: len(data) // 2],
    "the first 100 bytes": lambda data: data[:100],
    "a pickle": lambda data: TEXTS["a pickle"],
    "a zip file": lambda data: b"PK\x03\x04" + data,
    "a wrong signature": lambda data: _flip(data, 0),
    "a wrong version": lambda data: _flip(data, 8),
}


@faults("model.weights.h5 is no weights file", _BYTES)
def test_weights_that_are_none_are_one_sentence(tiny_folder, case):
    path = tiny_folder / "model.weights.h5"
    path.write_bytes(case(path.read_bytes()))
    refuse(tiny_folder, "model.weights.h5")


@fault("model.weights.h5 is no weights file", "300 files with eight random bytes changed")
def test_random_damage_to_the_structure_is_one_sentence_or_harmless(tiny_folder):
    path, random = tiny_folder / "model.weights.h5", np.random.default_rng(0)
    whole = path.read_bytes()
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for where in random.integers(0, 4_096, 8):
            data[where] = random.integers(256)
        path.write_bytes(data)
        try:
            count_weights(path)
        except ValueError as error:
            assert_plain(error)
            refused += 1
    assert refused > 50
