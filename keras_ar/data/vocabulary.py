"""The characters a model of text knows, and their codes."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

_MOST_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Translate between characters and the codes ``0..size-1``.

    Two vocabularies are equal if they have the same characters in the same order.

    Args:
        characters: Every character once; its place is its code.

    Raises:
        ValueError: If there is no character, or one occurs twice.

    Example:
        >>> vocabulary = Vocabulary.from_text("abba")
        >>> vocabulary.encode("baa")
        array([1, 0, 0], dtype=int32)
        >>> vocabulary.decode([0, 1])
        'ab'
    """

    characters: str

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str) or not self.characters:
            raise ValueError(
                f"A vocabulary must have at least one character; received {self.characters!r}."
            )
        places = {character: place for place, character in enumerate(self.characters)}
        if len(places) < len(self.characters):
            twice = next(c for c in self.characters if self.characters.count(c) > 1)
            raise ValueError(f"The character {twice!r} occurs more than once in a vocabulary.")
        # Not a field: it follows from the characters, and the class is frozen.
        object.__setattr__(self, "_places", places)

    @classmethod
    def from_text(cls, text: str) -> Vocabulary:
        """Make the vocabulary of all characters of a text, in the order of Unicode.

        Args:
            text: Any text that is not empty.
        """
        return cls("".join(sorted(set(text))))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read the vocabulary that ``save`` wrote.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a vocabulary.
        """
        path = Path(path)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(**stored)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a vocabulary: {error}") from error

    @property
    def size(self) -> int:
        """Number of characters."""
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Turn a text into codes.

        Args:
            text: Characters of the vocabulary only.

        Shapes:
            ``(time,)``, int32.

        Raises:
            ValueError: If the text has other characters; the message names the first five and
                where each stands first, counted from 0.
        """
        places = self._places
        unknown = set(text) - places.keys()
        if unknown:
            raise ValueError(f"The vocabulary lacks {_name_firsts(text, unknown)}.")
        return np.fromiter((places[character] for character in text), np.int32, len(text))

    def decode(self, codes: np.ndarray | Iterable[int]) -> str:
        """Turn codes into the text they stand for.

        Args:
            codes: ``(time,)``, integers ``0..size-1``.

        Raises:
            ValueError: If the codes have another shape or type, or one is out of range.
        """
        codes = np.asarray(codes)
        if codes.ndim != 1 or (codes.size and not np.issubdtype(codes.dtype, np.integer)):
            raise ValueError(
                f"Codes must be integers of shape (time,); received {codes.dtype} of shape "
                f"{codes.shape}."
            )
        if codes.size and not (codes.min() >= 0 and codes.max() < self.size):
            raise ValueError(
                f"Codes must lie in 0..{self.size - 1}; received {codes.min()} to {codes.max()}."
            )
        return "".join(self.characters[code] for code in codes.tolist())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as JSON.

        Args:
            path: The file; one that exists is replaced.
        """
        # Escaped to ASCII, which also keeps characters that UTF-8 cannot hold alone.
        Path(path).write_text(json.dumps({"characters": self.characters}) + "\n")


def _name_firsts(text: str, unknown: set[str]) -> str:
    """Spell out some of the unknown characters, each with the place where it stands first."""
    firsts: dict[str, int] = {}
    for place, character in enumerate(text):
        if character in unknown and character not in firsts:
            firsts[character] = place
            if len(firsts) == _MOST_NAMED:
                break
    named = ", ".join(f"{character!r} at position {place}" for character, place in firsts.items())
    others = len(unknown) - len(firsts)
    return named + (f" and {others} other characters" if others else "")
