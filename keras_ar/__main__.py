"""``python -m keras_ar`` is ``keras-ar``."""

import sys

from keras_ar.cli import main

if __name__ == "__main__":
    sys.exit(main())
