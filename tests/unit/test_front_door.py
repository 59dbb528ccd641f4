"""What a person meets who explores the package from a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

import chatkeep


@pytest.fixture
def keep(tmp_path: Path) -> chatkeep.Keep:
    return chatkeep.open(tmp_path / "home")


def test_help_shows_what_a_keep_holds() -> None:
    text = chatkeep.Keep.__doc__ or ""

    assert len(chatkeep.Keep.__annotations__) == 10
    for name in chatkeep.Keep.__annotations__:
        assert f"{name}: " in text


def test_every_public_name_is_there_and_errors_are_ours() -> None:
    for name in chatkeep.__all__:
        value = getattr(chatkeep, name)
        assert not name.endswith("Error") or issubclass(value, chatkeep.ChatkeepError)


def test_a_page_is_iterated_like_its_list(keep: chatkeep.Keep) -> None:
    with keep:
        chats = [keep.conversations.create(title=str(number)).id for number in range(3)]
        page = keep.conversations.list()
        empty = keep.conversations.list(trashed=True)

    assert [chat.id for chat in page] == [item.id for item in page.items]
    assert (len(page), len(empty), {chat.id for chat in page}) == (3, 0, set(chats))
    assert empty is not None
    assert bool(empty), "code asks whether it got a page at all"


def test_marks_of_a_listed_conversation_are_truths(keep: chatkeep.Keep) -> None:
    with keep:
        chat = keep.conversations.create()
        keep.conversations.pin(chat.id)
        (row,) = keep.conversations.list()

    assert (row.pinned, row.archived) == (True, False)
    assert isinstance(row.pinned, bool)
    assert isinstance(row.archived, bool)


@pytest.mark.parametrize("query", [None, 7, b"tea"])
def test_a_query_that_is_no_text_is_refused(keep: chatkeep.Keep, query: object) -> None:
    with keep, pytest.raises(chatkeep.UsageError, match="a query is a text"):
        keep.search(query)  # type: ignore[arg-type]  # what the test is about
