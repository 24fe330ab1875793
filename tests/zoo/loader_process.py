"""Load a model in as many processes at once as a line of the standard input says.

Prints their numbers, then a line from each: the hash of what it got, or the error, and "done".
Keras is imported once; the processes are forked from there, before it has done anything.
"""

import hashlib
import os
import sys
import types

import keras_ar
from keras_ar.zoo import catalog, location


def main(repo_id: str, commit: str, config: str, weights: str) -> None:
    variant = keras_ar.zoo.Variant(
        name="tiny",
        repo_id=repo_id,
        revision=commit,
        weights_sha256=weights,
        weights_size=0,
        config_sha256=config,
        license="apache-2.0",
        paper="",
        model_class="PixelCNN",
        parameters=0,
        dataset="",
        metric="",
        value=0.0,
    )
    for module in (catalog, location):
        module.REGISTRY = types.MappingProxyType({"tiny": variant})
    for line in sys.stdin:
        children = [_fork() for _ in range(int(line))]
        print(*children, flush=True)
        for pid in children:
            os.waitpid(pid, 0)
        print("done", flush=True)


def _fork() -> int:
    pid = os.fork()
    if not pid:
        _load_and_leave()
    return pid


def _load_and_leave() -> None:
    try:
        model = keras_ar.zoo.load("tiny")
        digest = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))
        line = digest.hexdigest()
    except Exception as error:
        line = f"{type(error).__name__}: {error}"
    os.write(1, f"{line}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
