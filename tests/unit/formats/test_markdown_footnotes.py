"""Footnotes of a message's citations."""

from __future__ import annotations

from datetime import UTC, datetime

from chatkeep.formats.adapters.markdown.document import Document
from chatkeep.model import Citation, Conversation, Message, Text

START = datetime(2026, 1, 2, tzinfo=UTC)


def test_marks_behind_what_cannot_hold_them_stand_on_one_line() -> None:
    """A reply with a dozen sources would else end in a dozen paragraphs of one mark each."""
    cited = tuple(Citation(url=f"https://example.org/{number}") for number in range(3))
    message = Message(
        id="m", conversation_id="c", role="assistant", parts=(Text(text="> quoted"), *cited), created_at=START
    )
    chat = Conversation(id="c", title="Tea", created_at=START, updated_at=START)

    shown = Document({}).text(chat, None, [message])

    assert "> quoted\n\n[^1][^2][^3]\n\n[^1]: " in shown
