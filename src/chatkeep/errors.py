"""Every error that Chatkeep raises on purpose.

All derive from :class:`ChatkeepError`. ``code`` is stable and documented in ``docs/errors.md``; callers branch on the
class or the code and read attributes, never the text. The message says what happened to what and what to do.
"""

from __future__ import annotations

from pathlib import Path


class ChatkeepError(Exception):
    """The base of all errors of this library."""

    code = "chatkeep.error"


class UsageError(ChatkeepError, ValueError):
    """A call or a command was given arguments that make no sense."""

    code = "usage.invalid"


class ConfirmationRequiredError(UsageError):
    """Somebody must agree first, and nobody can be asked."""

    code = "usage.confirmation-required"

    def __init__(
        self, message: str = "this cannot be undone and nobody can be asked here: add --yes if it is meant"
    ) -> None:
        super().__init__(message)


class MissingExtraError(ChatkeepError, ImportError):
    """An optional part of Chatkeep is not installed."""

    code = "usage.missing-extra"

    def __init__(self, extra: str) -> None:
        super().__init__(f"this needs the extra {extra!r}: pip install 'chatkeep[{extra}]'")
        self.extra = extra


class SettingsError(ChatkeepError):
    """A setting, environment variable or config file holds a value that cannot be used."""

    code = "settings.invalid"


# --- store -----------------------------------------------------------------------------------------------------------


class StoreError(ChatkeepError):
    """The store could not do what was asked."""

    code = "store.error"


class NotFoundError(StoreError, LookupError):
    """Nothing of this kind has the requested id."""

    code = "store.not-found"
    kind = "record"
    known_by = "id"

    def __init__(self, id: str, *, hint: str = "") -> None:
        super().__init__(f"no {self.kind} with {self.known_by} {id!r}" + (f": {hint}" if hint else ""))
        self.id = id


class ConversationNotFoundError(NotFoundError):
    """No conversation has the requested id."""

    code = "store.conversation-not-found"
    kind = "conversation"


class MessageNotFoundError(NotFoundError):
    """No message has the requested id."""

    code = "store.message-not-found"
    kind = "message"


class ProjectNotFoundError(NotFoundError):
    """No project has the requested id."""

    code = "store.project-not-found"
    kind = "project"
    known_by = "id or name"


class AttachmentNotFoundError(NotFoundError):
    """No attachment has the requested id."""

    code = "store.attachment-not-found"
    kind = "attachment"


class AmbiguousIdError(StoreError, LookupError):
    """A shortened id fits more than one record."""

    code = "store.ambiguous-id"

    def __init__(self, id: str, matches: tuple[str, ...]) -> None:
        super().__init__(
            f"{id!r} fits {len(matches)} or more ids, such as {matches[0]} and {matches[1]}: give more of one of these"
        )
        self.id = id
        self.matches = matches


class ConflictError(StoreError):
    """The record was changed by somebody else since it was read; nothing was written."""

    code = "store.conflict"

    def __init__(self, id: str, *, expected: int, actual: int) -> None:
        super().__init__(f"{id} is at version {actual}, not {expected}: read it again and repeat the change")
        self.id = id
        self.expected = expected
        self.actual = actual


class DuplicateError(StoreError):
    """A record with this unique name or id exists already; nothing was written."""

    code = "store.duplicate"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} exists already")
        self.what = what


class ReplyExistsError(DuplicateError):
    """A reply with this idempotency key was begun before in this conversation; ``status`` is where it stands."""

    code = "store.reply-exists"

    def __init__(self, idempotency_key: str, *, message_id: str, status: str) -> None:
        super().__init__(f"a reply with idempotency key {idempotency_key!r}, message {message_id} ({status}),")
        self.message_id = message_id
        self.status = status


class ConstraintError(StoreError):
    """A statement broke a rule of the schema (a unique key, a reference, a check); it changed nothing."""

    code = "store.constraint"


class TrashedError(StoreError):
    """The conversation lies in the trash and takes no writes until it is restored."""

    code = "store.trashed"

    def __init__(self, id: str) -> None:
        super().__init__(f"conversation {id} is in the trash: restore it first")
        self.id = id


class StreamLostError(StoreError):
    """A streamed reply no longer belongs to this writer; ``text`` holds what could not be written."""

    code = "store.stream-lost"

    def __init__(self, message_id: str, text: str) -> None:
        super().__init__(f"the streamed reply {message_id} was taken over by another writer; its text is in this error")
        self.message_id = message_id
        self.text = text


class CursorError(StoreError, ValueError):
    """A cursor is not one of this store's, or belongs to another list."""

    code = "store.bad-cursor"


class HistoryLostError(StoreError):
    """The change log no longer reaches back to this cursor, or the store was restored: start over with no cursor."""

    code = "store.history-lost"


class StoreClosedError(StoreError):
    """The store was closed, or inherited over ``fork``: open it again in this process."""

    code = "store.closed"


class StoreUnavailableError(StoreError):
    """The store's files cannot be used as they are; subclasses say why."""

    code = "store.unavailable"


class StoreBusyError(StoreUnavailableError):
    """Another process kept the write lock for too long; this call's work was withdrawn, nothing was written."""

    code = "store.busy"


class StoreFullError(StoreUnavailableError):
    """The disk is full; the call changed nothing, and what was there stays readable."""

    code = "store.full"


class StoreMissingError(StoreUnavailableError):
    """There is no store here, and reading alone does not make one."""

    code = "store.missing"


class StoreReadOnlyError(StoreUnavailableError):
    """The store can be read, but not written."""

    code = "store.read-only"


class StoreCorruptError(StoreUnavailableError):
    """A file of the store is damaged."""

    code = "store.corrupt"


class StoreForeignError(StoreUnavailableError):
    """The file is a database, or something else, that Chatkeep did not make; it was not touched."""

    code = "store.foreign"


class StorePermissionError(StoreUnavailableError):
    """The operating system refused access to a file of the store."""

    code = "store.permission"


class StoreIOError(StoreUnavailableError):
    """The disk failed to read or write."""

    code = "store.io"


class StoreNewerError(StoreUnavailableError):
    """A newer Chatkeep has changed the schema; this one must not write."""

    code = "store.newer-schema"

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema {found}, this Chatkeep knows up to {known}:"
            " upgrade Chatkeep, or close it and use the newer one"
        )
        self.found = found
        self.known = known


class UnsafeSqliteError(StoreUnavailableError):
    """The loaded SQLite can corrupt a database in WAL mode."""

    code = "store.unsafe-sqlite"


class NetworkFilesystemError(StoreUnavailableError):
    """The store lies on a network file system, where its locks and shared memory cannot be trusted."""

    code = "store.network-filesystem"


# --- blobs -----------------------------------------------------------------------------------------------------------


class BlobMissingError(StoreError, LookupError):
    """The bytes of an attachment are not there."""

    code = "blobs.missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"the bytes with SHA-256 {sha256} are missing: run check --repair, then import their source again"
        )
        self.sha256 = sha256


# --- formats ---------------------------------------------------------------------------------------------------------


class FormatError(ChatkeepError):
    """A source or destination of chats cannot be handled."""

    code = "formats.error"


class UnknownFormatError(FormatError):
    """No adapter recognises the source, or none has the given name."""

    code = "formats.unknown"


class AmbiguousFormatError(FormatError):
    """Several adapters claim one source."""

    code = "formats.ambiguous"

    def __init__(self, path: str, names: tuple[str, ...]) -> None:
        super().__init__(f"{path} looks like {' and like '.join(names)}: say which with --as")
        self.path = path
        self.names = names


class UnreadableSourceError(FormatError):
    """A whole source cannot be read: damaged, truncated, encrypted, or not what it claims."""

    code = "formats.unreadable"


class NotWritableFormatError(FormatError):
    """The format can be read but not written."""

    code = "formats.not-writable"


class DestinationExistsError(FormatError):
    """The file or folder to write is there already; it was not touched."""

    code = "formats.destination-exists"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already: choose another name, or move what is there")
        self.path = path


class DestinationError(FormatError):
    """The operating system refused to write the destination, or its disk is full; nothing was left there."""

    code = "formats.destination"


# --- search ----------------------------------------------------------------------------------------------------------


class SearchUnavailableError(ChatkeepError):
    """The search index cannot be used now; the store itself is untouched."""

    code = "search.unavailable"


# --- instances -------------------------------------------------------------------------------------------------------


class InstanceError(ChatkeepError):
    """A data directory cannot be used."""

    code = "instances.error"
