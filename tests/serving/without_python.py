"""Run signatures of an export in a process that never imports TensorFlow's Python package."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def run_without_python(
    saved_model: pathlib.Path, calls: Mapping[str, Mapping[str, np.ndarray]], folder: pathlib.Path
) -> set[str]:
    """Run one call of each signature in TensorFlow's C library, see ``c_runtime``.

    Args:
        saved_model: The version of an export.
        calls: Inputs by name, of each signature.
        folder: Receives ``<signature>.npy``, or ``<signature>.bin`` of a string.

    Returns:
        The packages that the process has imported.
    """
    names = {signature: _tensor_names(saved_model, signature) for signature in calls}
    (folder / "calls.json").write_text(json.dumps(names))
    for signature, inputs in calls.items():
        for name, value in inputs.items():
            np.save(folder / f"{signature}.{name}.npy", value)
    library = pathlib.Path(tf.__file__).with_name("libtensorflow_cc.so.2")
    program = pathlib.Path(__file__).with_name("c_runtime.py")
    done = subprocess.run(
        [sys.executable, program, library, saved_model, folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def _tensor_names(saved_model: pathlib.Path, signature: str) -> dict:
    """Name the inputs, and the first of the outputs in alphabetical order."""
    message = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    (graph,) = message.meta_graphs
    named = graph.signature_def[signature]
    _, output = min(named.outputs.items(), key=lambda item: item[0])
    return {"inputs": {key: x.name for key, x in named.inputs.items()}, "output": output.name}
