"""Where the authors' PixelCNN++ variables go in our model, as the converter has it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))

from pixelcnnpp_checkpoint import assign_weights as assign_openai_weights
from pixelcnnpp_checkpoint import output_order

__all__ = ["assign_openai_weights", "output_order"]
