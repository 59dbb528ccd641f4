"""What an import tells afterwards, complete and honest."""

from __future__ import annotations

from collections import Counter

import msgspec

from chatkeep.formats.protocol import NotImported, Skipped
from chatkeep.store.incoming import Merged

MAX_SKIPPED = 10_000
"""So many skipped records, and so many notes, are listed; the rest of the skipped ones are counted."""


class ConversationCounts(msgspec.Struct):
    """Conversations by what became of them."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0


class MessageCounts(msgspec.Struct):
    """Messages by what became of them."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0


class AttachmentCounts(msgspec.Struct):
    """Attachments whose bytes came in, and those that the source mentions but does not hold."""

    added: int = 0
    missing: int = 0


class UnmappedField(msgspec.Struct, frozen=True):
    """A field of the source that has no place in the model: kept as found, this many times."""

    field: str
    count: int


class Report(msgspec.Struct):
    """What was imported from one source, or (without a path) from several together.

    ``purged`` counts conversations that were left out because they were purged here. ``skipped`` lists everything that
    could not be read, with its place; ``skipped_more`` counts what did not fit in the list. ``noted`` lists in the
    same shape what was imported although something about it is odd, such as a message whose parent is missing; at most
    as many.
    """

    path: str | None = None
    format: str | None = None
    conversations: ConversationCounts = msgspec.field(default_factory=ConversationCounts)
    messages: MessageCounts = msgspec.field(default_factory=MessageCounts)
    attachments: AttachmentCounts = msgspec.field(default_factory=AttachmentCounts)
    purged: int = 0
    skipped: list[Skipped] = msgspec.field(default_factory=list)
    skipped_more: int = 0
    noted: list[Skipped] = msgspec.field(default_factory=list)
    unmapped: list[UnmappedField] = msgspec.field(default_factory=list)
    not_imported: list[NotImported] = msgspec.field(default_factory=list)

    def skip(self, problem: Skipped) -> None:
        """Take in something that could not be read."""
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(problem)
        else:
            self.skipped_more += 1

    def note(self, remark: Skipped) -> None:
        """Take in something odd about what was imported; beyond the list's bound it is dropped."""
        if len(self.noted) < MAX_SKIPPED:
            self.noted.append(remark)

    def take(self, merged: Merged) -> None:
        """Take in what merging a conversation did."""
        if merged.outcome == "purged":
            self.purged += 1
            return
        setattr(self.conversations, merged.outcome, getattr(self.conversations, merged.outcome) + 1)
        self.messages.added += merged.messages_added
        self.messages.updated += merged.messages_updated
        self.messages.unchanged += merged.messages_unchanged
        self.attachments.added += merged.attachments_added

    def set_unmapped(self, fields: Counter[str]) -> None:
        """Take in the counts of fields that were kept but not mapped, most frequent first."""
        ordered = sorted(fields.items(), key=lambda item: (-item[1], item[0]))
        self.unmapped = [UnmappedField(name, count) for name, count in ordered]

    def leave_out(self, kind: NotImported) -> None:
        """Take in a category that was not read; each is in the list once, however many files hold some of it."""
        counts = {item.what: item.count for item in self.not_imported}
        counts[kind.what] = counts.get(kind.what, 0) + kind.count
        self.not_imported = [NotImported(what, count) for what, count in sorted(counts.items())]

    @property
    def is_clean(self) -> bool:
        """Whether everything that the source holds was read."""
        return not self.skipped and not self.skipped_more

    def add(self, other: Report) -> None:
        """Add another report's counts to this one, as for totals."""
        for name in ("conversations", "messages", "attachments"):
            mine, theirs = getattr(self, name), getattr(other, name)
            for field in mine.__struct_fields__:
                setattr(mine, field, getattr(mine, field) + getattr(theirs, field))
        self.purged += other.purged
        self.skipped_more += other.skipped_more
        for problem in other.skipped:
            self.skip(problem)
        for remark in other.noted:
            self.note(remark)
        fields = Counter({item.field: item.count for item in self.unmapped})
        fields.update({item.field: item.count for item in other.unmapped})
        self.set_unmapped(fields)
        for kind in other.not_imported:
            self.leave_out(kind)
