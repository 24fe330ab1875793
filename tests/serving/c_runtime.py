"""Run signatures of a SavedModel through TensorFlow's C interface, as a program in C would.

Usage: ``c_runtime.py LIBRARY SAVED_MODEL FOLDER``. ``FOLDER/calls.json`` names the tensors of every
signature, ``FOLDER/<signature>.<input>.npy`` holds what is fed, and ``FOLDER/<signature>.npy``
receives what comes out; of strings the first, as ``FOLDER/<signature>.bin``. Prints the names of
all modules that Python has imported.
"""

import ctypes
import json
import pathlib
import sys

import numpy as np

_CODES = {np.dtype("float32"): 1, np.dtype("int32"): 3, np.dtype("uint8"): 4, np.dtype("bool"): 10}
_TYPES = {code: dtype for dtype, code in _CODES.items()}
_STRING = 7


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class Runtime:
    """A loaded SavedModel."""

    def __init__(self, library: str, saved_model: str):
        self._c = ctypes.CDLL(library)
        for name in (
            "TF_NewStatus",
            "TF_NewGraph",
            "TF_NewSessionOptions",
            "TF_LoadSessionFromSavedModel",
            "TF_GraphOperationByName",
            "TF_AllocateTensor",
            "TF_TensorData",
            "TF_StringGetDataPointer",
        ):
            getattr(self._c, name).restype = ctypes.c_void_p
        self._c.TF_Message.restype = ctypes.c_char_p
        for name in ("TF_Dim", "TF_TensorByteSize", "TF_StringGetSize"):
            getattr(self._c, name).restype = ctypes.c_size_t
        self._status = ctypes.c_void_p(self._c.TF_NewStatus())
        self._graph = ctypes.c_void_p(self._c.TF_NewGraph())
        options = ctypes.c_void_p(self._c.TF_NewSessionOptions())
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = ctypes.c_void_p(
            self._c.TF_LoadSessionFromSavedModel(
                options, None, saved_model.encode(), tags, 1, self._graph, None, self._status
            )
        )
        self._check()

    def run(self, feeds: dict[str, np.ndarray], fetches: list[str]) -> list[np.ndarray | bytes]:
        """Feed tensors by name (``operation:index``) and fetch others."""
        values = (ctypes.c_void_p * len(feeds))(*map(self._tensor, feeds.values()))
        results = (ctypes.c_void_p * len(fetches))()
        self._c.TF_SessionRun(
            self._session,
            None,
            self._outputs(feeds),
            values,
            len(feeds),
            self._outputs(fetches),
            results,
            len(fetches),
            None,
            0,
            None,
            self._status,
        )
        self._check()
        return [self._array(ctypes.c_void_p(result)) for result in results]

    def _check(self) -> None:
        if self._c.TF_GetCode(self._status):
            sys.exit(self._c.TF_Message(self._status).decode())

    def _outputs(self, names) -> ctypes.Array:
        outputs = (_Output * len(names))()
        for output, name in zip(outputs, names, strict=True):
            operation, _, index = name.partition(":")
            output.operation = self._c.TF_GraphOperationByName(self._graph, operation.encode())
            assert output.operation, f"The graph has no operation {operation}."
            output.index = int(index)
        return outputs

    def _tensor(self, array: np.ndarray) -> int:
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        size = ctypes.c_size_t(array.nbytes)
        tensor = self._c.TF_AllocateTensor(_CODES[array.dtype], shape, array.ndim, size)
        data = self._c.TF_TensorData(ctypes.c_void_p(tensor))
        ctypes.memmove(data, array.tobytes(), array.nbytes)
        return tensor

    def _array(self, tensor: ctypes.c_void_p) -> np.ndarray | bytes:
        data = self._c.TF_TensorData(tensor)
        code = self._c.TF_TensorType(tensor)
        if code == _STRING:
            string = ctypes.c_void_p(data)
            return ctypes.string_at(
                self._c.TF_StringGetDataPointer(string), self._c.TF_StringGetSize(string)
            )
        shape = [self._c.TF_Dim(tensor, axis) for axis in range(self._c.TF_NumDims(tensor))]
        content = ctypes.string_at(data, self._c.TF_TensorByteSize(tensor))
        return np.frombuffer(content, _TYPES[code]).reshape(shape)


def main(library: str, saved_model: str, folder: str) -> None:
    folder = pathlib.Path(folder)
    runtime = Runtime(library, saved_model)
    for signature, call in json.loads((folder / "calls.json").read_text()).items():
        feeds = {
            tensor: np.load(folder / f"{signature}.{name}.npy")
            for name, tensor in call["inputs"].items()
        }
        (result,) = runtime.run(feeds, [call["output"]])
        if isinstance(result, bytes):
            (folder / f"{signature}.bin").write_bytes(result)
        else:
            np.save(folder / f"{signature}.npy", result)
    print(json.dumps(sorted(sys.modules)))


if __name__ == "__main__":
    main(*sys.argv[1:])
