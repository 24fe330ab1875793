"""A SavedModel is TensorFlow's: without it there is nothing to test."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("tensorflow") else ["test_*.py"]
