"""Conversations whose source gives no title."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatkeep.model import Text
from chatkeep.store import Store
from tests.contract.acme import only, run, said, talk


def title(store: Store) -> str | None:
    return store.conversations.get(only(store)).title


@pytest.mark.parametrize("given", [None, "", " \n"])
def test_a_conversation_without_a_title_is_called_by_its_first_question(
    store: Store, tmp_path: Path, given: str | None
) -> None:
    """Its last reply, which lists would show else, is another one each time it grows."""
    messages = [
        said("s", None, "You are kind.", role="system"),
        said("h", "s", "<environment>", hidden=True),
        said("a", "h", "```\n  Which  water\tfor tea?\nGreen."),
        said("b", "a", "90 C", role="assistant"),
    ]
    run(store, tmp_path, talk(messages, title=given))

    assert title(store) == "Which water for tea?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word " * 30, "word " * 11 + "word…"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60 + "…"),
        ("水" * 100, "水" * 60 + "…"),
        ("nul \0 half \ud83d", "nul \ufffd half \ufffd"),
        ("---\n***", None),
        ("", None),
    ],
)
def test_a_long_question_is_cut_at_a_word(store: Store, tmp_path: Path, text: str, expected: str | None) -> None:
    run(store, tmp_path, talk([said("a", None, text)], title=None))

    assert title(store) == expected


def test_such_a_title_stays_while_the_conversation_grows(store: Store, tmp_path: Path) -> None:
    messages = [said("a", None, "Which water?"), said("b", "a", "90 C", minute=1, role="assistant")]
    run(store, tmp_path, talk(messages, title=None))
    again = run(store, tmp_path, talk(messages, title=None))
    run(store, tmp_path, talk([*messages, said("c", "b", "And green tea?", minute=2)], title=None))

    assert (again.conversations.unchanged, title(store)) == (1, "Which water?")


def test_such_a_title_gives_way_to_one_that_the_source_finds(store: Store, tmp_path: Path) -> None:
    """It is no change of a person's, which would stay."""
    messages = [said("a", None, "Which water?")]
    run(store, tmp_path, talk(messages, title=None))
    run(store, tmp_path, talk(messages, title="Tea water"))
    assert title(store) == "Tea water"

    store.conversations.rename(only(store), "Mine")
    run(store, tmp_path, talk([*messages, said("b", "a", "more", minute=2)], title=None))
    assert title(store) == "Mine"


def test_a_conversation_without_words_stays_untitled(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, talk([said("a", None, "", parts=()), said("b", "a", "Hello", role="assistant")], title=None))

    assert title(store) is None


def test_a_conversation_born_here_gets_no_title(store: Store) -> None:
    chat = store.conversations.create()
    store.messages.append(chat.id, "user", [Text(text="Which water?")])

    assert store.conversations.get(chat.id).title is None
