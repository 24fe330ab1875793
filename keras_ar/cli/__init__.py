"""The command line: thin, it reads flags and calls the library.

Nothing here imports Keras before a command runs, so that help and usage errors cost nothing.
"""

from keras_ar.cli.entry import main

__all__ = ["main"]
