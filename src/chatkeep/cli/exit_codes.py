"""The one table from errors to exit codes; ``docs/cli.md`` repeats it for people."""

from __future__ import annotations

from typing import Final

from chatkeep import errors

DONE: Final = 0
PROBLEMS: Final = 1
"""The work is done and found something: damage in ``check``, a problem in ``doctor``, any under ``--strict``."""
USAGE: Final = 2
BUG: Final = 70
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

TABLE: Final[dict[type[Exception], int]] = {
    errors.ChatkeepError: 9,
    errors.UsageError: USAGE,
    errors.MissingExtraError: USAGE,
    errors.CursorError: USAGE,
    errors.SettingsError: 10,
    errors.InstanceError: 11,
    errors.StoreError: 20,
    errors.NotFoundError: 21,
    errors.AmbiguousIdError: 22,
    errors.ConflictError: 23,
    errors.DuplicateError: 23,
    errors.TrashedError: 23,
    errors.StreamLostError: 23,
    errors.ConstraintError: 23,
    errors.HistoryLostError: 24,
    errors.StoreClosedError: 24,
    errors.StoreMissingError: 25,
    errors.StoreUnavailableError: 30,
    errors.StoreBusyError: 31,
    errors.StoreFullError: 32,
    errors.StoreReadOnlyError: 33,
    errors.StorePermissionError: 33,
    errors.StoreCorruptError: 34,
    errors.StoreIOError: 35,
    errors.StoreForeignError: 36,
    errors.StoreNewerError: 37,
    errors.UnsafeSqliteError: 38,
    errors.NetworkFilesystemError: 39,
    errors.BlobMissingError: 40,
    errors.FormatError: 50,
    errors.UnknownFormatError: 51,
    errors.AmbiguousFormatError: 52,
    errors.UnreadableSourceError: 53,
    errors.NotWritableFormatError: 54,
    errors.DestinationError: 55,
    errors.DestinationExistsError: 55,
    errors.SearchUnavailableError: 60,
}
"""An error that is not here has the code of its nearest ancestor that is."""


def exit_code(error: Exception) -> int:
    """The exit code of an error of ours; ``BUG`` for any other."""
    for cls in type(error).__mro__:
        if cls in TABLE:
            return TABLE[cls]
    return BUG
