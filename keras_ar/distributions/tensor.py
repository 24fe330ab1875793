"""Name the one type that every array argument of this package has."""

from typing import Any, TypeAlias

# A tensor of whichever backend Keras runs on, or anything that Keras converts to one.
# The backends share no base class, so there is nothing more precise to say.
Tensor: TypeAlias = Any
