"""What is asked of a data set: which splits, and how many examples."""

from collections.abc import Sequence


def parse_splits(split: str, names: Sequence[str], source: str) -> list[str]:
    """Take a split such as ``"train+validation"`` apart.

    Args:
        split: Names of splits joined by ``+``.
        names: The splits there are.
        source: What has them, for the message.

    Raises:
        ValueError: If a name is unknown or occurs twice.
    """
    parts = [part.strip() for part in split.split("+")]
    if not set(parts) <= set(names) or len(set(parts)) < len(parts):
        raise ValueError(
            f"{source} has no split {split!r}: give one of {', '.join(names)}, or several of them "
            "joined by '+'."
        )
    return parts


def check_limit(limit: int | None) -> None:
    """Insist on a number of examples that is positive, or ``None`` for all.

    Args:
        limit: Candidate.

    Raises:
        ValueError: If it is zero or negative.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1; received {limit}.")
