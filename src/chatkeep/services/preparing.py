"""From a source's terms to ours: identity, order, times, attachments."""

from __future__ import annotations

import io
from collections import Counter
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

import msgspec

from chatkeep.encoding import clean_text
from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import (
    OwnConversation,
    Skipped,
    SourceAttachment,
    SourceConversation,
    SourceMessage,
    SourceProject,
)
from chatkeep.model import (
    EPOCH,
    Attachment,
    AttachmentKind,
    AttachmentRef,
    Conversation,
    Message,
    Project,
    SourceKey,
    derived_id,
    to_us,
)
from chatkeep.services.ordering import in_order
from chatkeep.services.sniffing import HEAD_BYTES, media_type
from chatkeep.services.titling import title_from
from chatkeep.services.weighing import Bytes
from chatkeep.store.admitting import is_countable, is_payable
from chatkeep.store.incoming import Incoming
from chatkeep.store.large_parts import Put, with_small_parts
from chatkeep.store.purging import own_key
from chatkeep.store.stand_ins import MARK
from chatkeep.store.tags import MAX_CHARS, MAX_TAGS

_ATTACHMENT_KINDS = get_args(AttachmentKind)
MAX_TITLE_CHARS = 1000
MAX_KEY_CHARS = 500
_INT64 = 2**63
_STAND_IN = {"chatkeep": {MARK: True}}


class Prepared(msgspec.Struct, frozen=True):
    """A conversation that is ready to be merged, and what was noticed on the way."""

    incoming: Incoming
    problems: list[Skipped]
    notes: list[Skipped]
    """What came in whole, but not quite as the source has it."""
    missing: int
    """Attachments that the source mentions but does not hold."""


class Preparer:
    """Prepares the conversations of one source; ``blobs`` takes the bytes of their attachments."""

    def __init__(self, format: str, blobs: Bytes, *, include_purged: bool) -> None:
        self._format = format
        self._blobs = blobs
        self._include_purged = include_purged
        self.unmapped: Counter[str] = Counter()

    def prepare(self, found: SourceConversation | OwnConversation, *, where: str, fingerprint: str | None) -> Prepared:
        """Put a conversation in our terms; stores the bytes of its attachments on the way."""
        if isinstance(found, OwnConversation):
            return self._own(found, where)
        ordered = in_order(found.messages, where)
        problems = [*found.problems, *ordered.problems]
        created_at = found.created_at or _earliest(found.messages) or found.updated_at or EPOCH
        id = derived_id(self._format, found.conversation_scope, found.source_id, _us(found.created_at))
        attachments, names, missing = self._attachments(found, created_at, problems, where)
        messages, ids = self._messages(ordered.messages, ordered.parents, found, id, created_at, names)
        messages = [_within_limits(message, problems, where) for message in messages]
        messages = self._with_small_parts(messages, attachments)
        self.unmapped.update(f"conversation.{key}" for key in found.extra)
        latest = max((message.created_at for message in messages), default=created_at)
        header = Conversation(
            id=id,
            title=_title(found.title) or title_from(ordered.messages),
            kind="agent" if found.kind == "agent" else "chat",
            workspace=found.workspace,
            agent=found.agent,
            session_id=found.session_id,
            head_id=ids.get(found.head_id or ""),
            pinned=found.pinned,
            archived=found.archived,
            created_at=created_at,
            updated_at=found.updated_at or latest,
            tags=_tags(found.tags, problems, where),
            settings=found.settings,
            source=self._key(found.conversation_scope, found.source_id),
            # What was incomplete is read again next time: the missing bytes may have turned up.
            source_digest=None if missing or found.problems or found.stand_in else fingerprint,
            extra=({self._format: found.extra} if found.extra else {}) | (_STAND_IN if found.stand_in else {}),
        )
        incoming = Incoming(
            conversation=header,
            project=None if found.project is None else self._project(found.project, created_at),
            ancestors=tuple(
                self._project(above, created_at) for above in (found.project.ancestors if found.project else ())
            ),
            messages=messages,
            attachments=tuple(attachments),
            include_purged=self._include_purged,
            stand_in=found.stand_in,
        )
        return Prepared(incoming, problems, ordered.notes, missing)

    def key_of(self, found: SourceConversation | OwnConversation) -> SourceKey:
        """By what a conversation's source is known: what a purge leaves a hash of."""
        if isinstance(found, OwnConversation):
            return found.conversation.source or own_key(found.conversation.id)
        return self._key(found.conversation_scope, found.source_id)

    def _key(self, scope: str, source_id: str) -> SourceKey:
        return SourceKey(self._format, _key_text(scope), _key_text(source_id))

    def _messages(
        self,
        messages: list[SourceMessage],
        parents: list[str | None],
        found: SourceConversation,
        conversation_id: str,
        created_at: datetime,
        names: dict[str, str],
    ) -> tuple[list[Message], dict[str, str]]:
        ids: dict[str, str] = {}
        times: dict[str, datetime] = {}
        made: list[Message] = []
        format, scope, unmapped = self._format, _key_text(found.scope), self.unmapped
        for seq, (message, parent) in enumerate(zip(messages, parents, strict=True), start=1):
            source_id = message.source_id
            time = message.created_at or (times.get(parent) if parent is not None else None) or created_at
            times[source_id] = time
            id = ids[source_id] = derived_id(format, found.scope, source_id, _us(message.created_at))
            for key in message.extra:
                unmapped[f"message.{key}"] += 1
            made.append(
                Message(
                    seq=seq,
                    parent_id=None if parent is None else ids[parent],
                    id=id,
                    conversation_id=conversation_id,
                    role=message.role,
                    parts=_linked(message.parts, names) if names else message.parts,
                    created_at=time,
                    completed_at=message.completed_at,
                    model=message.model,
                    provider=message.provider,
                    status=message.status if message.status != "streaming" else "interrupted",
                    hidden=message.hidden,
                    reply_set=message.reply_set,
                    reply_index=message.reply_index,
                    selected=message.selected,
                    rating=message.rating,
                    usage=message.usage,
                    cost_nanos=message.cost_nanos,
                    priced_by=message.priced_by,
                    source=SourceKey(format, scope, _key_text(source_id)),
                    extra={format: message.extra} if message.extra else {},
                )
            )
        return made, ids

    def _with_small_parts(self, messages: list[Message], attachments: list[Attachment]) -> list[Message]:
        small = []
        for message in messages:
            parts = with_small_parts(message.parts, self._part_putter(message, attachments))
            small.append(message if parts is message.parts else msgspec.structs.replace(message, parts=parts))
        return small

    def _part_putter(self, message: Message, attachments: list[Attachment]) -> Put:
        def put(content: bytes, name: str, media_type: str) -> str:
            assert message.source is not None
            key = SourceKey(self._format, message.source.scope, f"part:{message.source.source_id}:{name}")
            digest = sha256(content).hexdigest()
            self._blobs.put(io.BytesIO(content))
            attachments.append(
                Attachment(
                    id=derived_id(key.format, key.scope, key.source_id, to_us(message.created_at)),
                    name=name,
                    media_type=media_type,
                    size_bytes=len(content),
                    sha256=digest,
                    created_at=message.created_at,
                    source=key,
                )
            )
            return attachments[-1].id

        return put

    def _project(self, found: SourceProject, created_at: datetime) -> Project:
        made_at = found.created_at or created_at
        return Project(
            id=self._project_id(found.source_id),
            name=found.name,
            parent_id=None if found.parent_source_id is None else self._project_id(found.parent_source_id),
            description=found.description,
            instructions=found.instructions,
            created_at=made_at,
            updated_at=found.updated_at or made_at,
            source=self._key("", found.source_id),
            extra={self._format: found.extra} if found.extra else {},
        )

    def _project_id(self, source_id: str) -> str:
        # Without its time: a conversation that is exported alone often does not say it, and must not give
        # another id than the whole export does.
        return derived_id(self._format, "", f"project:{source_id}", None)

    def _attachments(
        self, found: SourceConversation, created_at: datetime, problems: list[Skipped], where: str
    ) -> tuple[list[Attachment], dict[str, str], int]:
        made: list[Attachment] = []
        names: dict[str, str] = {}
        missing = 0
        scope = found.scope
        if found.attachments and not found.messages:
            problems.append(Skipped(where, f"{len(found.attachments)} attachments without any message: left out"))
            return made, names, missing
        for item in found.attachments:
            if item.source_id in names:
                continue
            id = names[item.source_id] = derived_id(self._format, scope, f"file:{item.source_id}", _us(item.created_at))
            digest, size = self._bytes(item, problems, where)
            missing += digest is None
            self.unmapped.update(f"attachment.{key}" for key in item.extra)
            made.append(
                Attachment(
                    id=id,
                    name=item.name,
                    media_type=item.media_type or media_type(item.name, self._head(digest)),
                    size_bytes=size,
                    sha256=digest,
                    kind=item.kind if item.kind in _ATTACHMENT_KINDS else "upload",  # type: ignore[arg-type]  # one of the kinds
                    created_at=item.created_at or created_at,
                    source=self._key(scope, item.source_id),
                    extra={self._format: item.extra} if item.extra else {},
                )
            )
        return made, names, missing

    def _bytes(self, item: SourceAttachment, problems: list[Skipped], where: str) -> tuple[str | None, int]:
        if item.open is None:
            return None, item.size_bytes or 0
        try:
            with item.open() as content:
                blob = self._blobs.put(content)
        except (OSError, ValueError, KeyError, LookupError, UnreadableSourceError) as error:
            problems.append(Skipped(f"{where} attachment {item.source_id[:60]}", f"cannot be read: {error}"))
            return None, item.size_bytes or 0
        return blob.sha256, blob.size_bytes

    def _head(self, digest: str | None) -> bytes:
        if digest is None:
            return b""
        with self._blobs.open(digest) as content:
            return content.read(HEAD_BYTES)

    def _own(self, found: OwnConversation, where: str) -> Prepared:
        problems = list(found.problems)
        notes: list[Skipped] = []
        tags = _tags(found.conversation.tags, problems, where)
        attachments = []
        missing = 0
        for item, known in zip(found.attachments, found.attachment_values, strict=True):
            digest, _ = self._bytes(item, problems, found.conversation.id)
            missing += digest is None
            attachments.append(msgspec.structs.replace(known, sha256=digest))
        incoming = Incoming(
            conversation=msgspec.structs.replace(found.conversation, tags=tags),
            project=found.project,
            messages=[
                _within_limits(message, problems, where) for message in _own_in_order(found, problems, notes, where)
            ],
            attachments=tuple(attachments),
            include_purged=self._include_purged,
        )
        return Prepared(incoming, problems, notes, missing)


def _linked(parts: tuple[Any, ...], names: dict[str, str]) -> tuple[Any, ...]:
    if not any(isinstance(part, AttachmentRef) for part in parts):
        return parts
    return tuple(
        msgspec.structs.replace(part, attachment_id=names.get(part.attachment_id or ""))
        if isinstance(part, AttachmentRef)
        else part
        for part in parts
    )


def _key_text(text: str) -> str:
    """A source's id as a column can hold it; one that cannot be stored as it is goes by its digest."""
    if len(text) <= MAX_KEY_CHARS and text.isascii() and "\0" not in text:
        return text
    cleaned, cuts = clean_text(text)
    if cuts or len(text) > MAX_KEY_CHARS:
        return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return cleaned


def _own_in_order(found: OwnConversation, problems: list[Skipped], notes: list[Skipped], where: str) -> list[Message]:
    """Messages of a file in our format, which somebody may have made up: each once, behind its parent or at a root."""
    stubs = [SourceMessage(source_id=each.id, parent_id=each.parent_id, role=each.role) for each in found.messages]
    ordered = in_order(stubs, where)
    problems.extend(ordered.problems)
    notes.extend(ordered.notes)
    known: dict[str, Message] = {}
    for message in found.messages:
        known.setdefault(message.id, message)
    pairs = zip(ordered.messages, ordered.parents, strict=True)
    return [_child_of(known[stub.source_id], parent_id) for stub, parent_id in pairs]


def _child_of(message: Message, parent_id: str | None) -> Message:
    return message if message.parent_id == parent_id else msgspec.structs.replace(message, parent_id=parent_id)


def _within_limits(message: Message, problems: list[Skipped], where: str) -> Message:
    """Numbers that no sum could hold are kept as found, but not counted."""
    usage, cost_nanos, rating = message.usage, message.cost_nanos, message.rating
    if usage is None and cost_nanos is None and rating is None:
        return message
    strange: dict[str, Any] = {} if is_countable(usage) else {"usage": usage}
    strange |= {} if is_payable(cost_nanos) else {"cost_nanos": cost_nanos}
    strange |= {} if rating is None or -_INT64 <= rating < _INT64 else {"rating": rating}
    if not strange:
        return message
    problems.append(Skipped(f"{where} message {message.id}", f"{', '.join(sorted(strange))}: too large to be counted"))
    notes = {**message.extra.get("chatkeep", {}), "not_counted": msgspec.to_builtins(strange)}
    return msgspec.structs.replace(message, extra={**message.extra, "chatkeep": notes}, **dict.fromkeys(strange))


def _tags(names: tuple[str, ...], problems: list[Skipped], where: str) -> tuple[str, ...]:
    """The names that a conversation can carry; what is cut or left out is reported."""
    cut = {clean_text(name.strip())[0][:MAX_CHARS].strip() for name in names} - {""}
    if any(len(name.strip()) > MAX_CHARS for name in names):
        problems.append(Skipped(f"{where} tags", f"names of over {MAX_CHARS} characters were cut"))
    if len(cut) > MAX_TAGS:
        problems.append(Skipped(f"{where} tags", f"{len(cut)} of them: {MAX_TAGS} were kept"))
    return tuple(sorted(cut)[:MAX_TAGS])


def _title(title: str | None) -> str | None:
    if title is None or not title.strip():
        return None
    return clean_text(title)[0][:MAX_TITLE_CHARS]


def _earliest(messages: tuple[SourceMessage, ...]) -> datetime | None:
    return min((message.created_at for message in messages if message.created_at is not None), default=None)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)
