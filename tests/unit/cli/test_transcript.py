from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from chatkeep.cli.transcript import Block, heading, message_blocks, plain
from chatkeep.cli.transcript_drawing import drawn
from chatkeep.model import (
    AttachmentRef,
    Citation,
    Code,
    Conversation,
    Message,
    Part,
    RawPart,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

AT = datetime(2025, 3, 1, 12, tzinfo=UTC)


def message(*parts: Part, **fields: object) -> Message:
    return Message(id="m", conversation_id="c", role="assistant", parts=parts, created_at=AT, **fields)  # type: ignore[arg-type]  # fields as they come


def text(*messages: Message, full: bool = False) -> str:
    return "".join(plain(message_blocks(messages, full=full, hidden=full)))


def test_every_kind_of_part_is_shown() -> None:
    shown = text(
        message(
            Text(text="said"),
            Thinking(text="thought"),
            ToolCall(id="1", name="search", input={"q": "tea"}),
            ToolResult(call_id="1", name="search", output=["found"], is_error=True),
            AttachmentRef(name="cup.png", media_type="image/png"),
            Citation(title="Tea", url="https://example.org"),
            Code(text="print()", language="python"),
            RawPart(kind="video", data={"x": 1}),
        )
    )

    for words in ("said", "thinking: thought", 'calls search: {"q":"tea"}', 'search failed gave: ["found"]'):
        assert words in shown
    for words in (
        "cup.png (image/png, not here)",
        "Tea https://example.org",
        "```python\nprint()\n```",
        'video: {"x":1}',
    ):
        assert words in shown


def test_hidden_messages_are_shown_only_in_full() -> None:
    hidden = message(Text(text="secret instructions"), hidden=True)

    assert text(hidden) == "1 hidden message: --full shows them\n\n"
    assert "secret" not in text(hidden)
    assert "secret instructions" in text(hidden, full=True)


def test_code_cannot_end_its_own_fence() -> None:
    assert "````python\na\n```\nb\n````" in text(message(Code(text="a\n```\nb", language="python")))


def test_the_heading_says_what_the_conversation_is() -> None:
    conversation = Conversation(
        id="c", title="Tea\x1b[2J", created_at=AT, updated_at=AT, message_count=2, tags=("kitchen",)
    )

    shown = "".join(plain(heading(conversation, "Kitchen", branches=3)))

    for words in ("# Tea␛[2J", "2 messages", "in Kitchen", "#kitchen", "3 branches"):
        assert words in shown


def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=60, color_system="standard", markup=False)


@pytest.mark.parametrize("raw", [False, True])
def test_drawn_text_steers_nothing_but_colours(raw: bool) -> None:
    attack = "\x1b]8;;http://x\x07click\x1b]8;;\x07 [link=http://x]y[/link] [a](http://example.org) \x9b2J"
    blocks = message_blocks(
        [message(Text(text=attack), Code(text=attack), Thinking(text=attack))], full=True, hidden=True
    )

    page = "".join(drawn(blocks, console(), raw=raw))

    assert "\x1b]" not in page
    assert not set(page) & set("\x07\x9b")
    assert "[link=http://x]y[/link]" in page.replace("\n", "")


def test_markdown_is_rendered_unless_raw_is_asked_for() -> None:
    block = Block("markdown", "a **bold** word")

    assert "**" not in "".join(drawn([block], console(), raw=False))
    assert "**" in "".join(drawn([block], console(), raw=True))


ODD = {
    "brackets": "[" * 5000,
    "quotes": "> " * 3000 + "x",
    "stars": "*" * 9999,
    "fence": "`" * 3000,
    "table": "| a |\n" * 900,
    "long": "x" * 200_000,
    "lists": "".join("  " * depth + "- x\n" for depth in range(300)),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_markdown_is_shown_somehow(odd: str) -> None:
    assert "".join(drawn([Block("markdown", odd)], console(), raw=False)).strip()


def test_html_is_shown_as_it_was_written() -> None:
    """A renderer of Markdown takes tags for markup and drops them; in a chat they are what the talk is about."""
    shown = "".join(drawn([Block("markdown", "Use <b>bold</b>:\n\n<div>\nhello\n</div>")], console(), raw=False))

    assert "<b>bold</b>" in shown
    assert "<div>" in shown
    assert "hello" in shown
