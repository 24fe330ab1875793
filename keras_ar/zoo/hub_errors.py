"""One plain sentence for every way in which the Hub can fail."""

import errno
from collections.abc import Iterator

from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

__all__ = ["explain"]


_CANNOT_WRITE = (errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM, errno.EROFS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it: the client wraps the true reason once or twice."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _explain_one(error: BaseException, address: str, doing: str) -> Exception | None:
    hub = f"the Hub at {constants.ENDPOINT}"
    absent = f" and {address} is not in the cache" if doing == "load" else ""
    # By name, because the client has changed its transport library before.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OfflineModeIsEnabled):
        return ConnectionError(
            f"HF_HUB_OFFLINE forbids asking {hub}{absent}: unset HF_HUB_OFFLINE, or load a variant "
            "that is bundled."
        )
    if isinstance(error, GatedRepoError) or status == 403:
        return PermissionError(
            f"{address} may not be read with this account: ask for access on its page at {hub}, "
            "then log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, RevisionNotFoundError):
        return FileNotFoundError(f"{address} names a revision that {hub} does not have.")
    if isinstance(error, EntryNotFoundError) and isinstance(error, HfHubHTTPError):
        return FileNotFoundError(f"{address} lacks a file that a model needs, says {hub}.")
    if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
        return FileNotFoundError(
            f"{hub[0].upper()}{hub[1:]} shows no {address}: check the name, and if it is private "
            "log in with `hf auth login` or set HF_TOKEN."
        )
    if status == 429:
        return ConnectionError(
            f"{hub[0].upper()}{hub[1:]} takes no more requests for now (status 429): wait some "
            f"minutes and {doing} again."
        )
    if status is not None:
        return ConnectionError(
            f"{hub[0].upper()}{hub[1:]} failed (status {status}){absent}: {doing} again later."
        )
    if "TimeoutException" in kinds:
        return TimeoutError(
            f"{hub[0].upper()}{hub[1:]} was too slow for {address}: {doing} again, or allow more "
            "seconds with HF_HUB_DOWNLOAD_TIMEOUT and HF_HUB_ETAG_TIMEOUT."
        )
    if "ConnectError" in kinds:
        return ConnectionError(
            f"{hub[0].upper()}{hub[1:]} cannot be reached{absent}: check the connection, and "
            "HF_ENDPOINT if it is set."
        )
    if "TransportError" in kinds or "Consistency check failed" in str(error):
        return ConnectionError(
            f"The transfer of {address} broke off before it was complete: {doing} again."
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return OSError(
            f"The disk is full, so {address} could not be stored in {constants.HF_HUB_CACHE}: "
            "free some space, or set HF_HOME to a folder on another disk."
        )
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        return PermissionError(
            f"{address} could not be stored: {error.filename or constants.HF_HUB_CACHE} cannot be "
            "written; set HF_HOME to a folder that can."
        )
    return None


def explain(error: Exception, address: str, doing: str = "load") -> Exception:
    """Return an exception that says in one sentence what went wrong and what to do.

    Args:
        error: What ``huggingface_hub`` raised.
        address: What was to be loaded or published, as the user knows it.
        doing: ``"load"`` or ``"publish"``.

    Returns:
        An ``OSError`` of the fitting kind: ``ConnectionError``, ``TimeoutError``,
        ``FileNotFoundError`` or ``PermissionError``.
    """
    for cause in _causes(error):
        explained = _explain_one(cause, address, doing)
        if explained is not None:
            return explained
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return OSError(f"The Hub could not {doing} {address} ({reason}): {doing} it again.")
