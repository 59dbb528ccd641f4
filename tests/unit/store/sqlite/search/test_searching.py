"""What a search answers over a real store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatkeep.errors import CursorError, StoreClosedError
from chatkeep.model import AttachmentRef, Citation, Code, RawPart, Text, Thinking, ToolCall, ToolResult, to_us
from chatkeep.store.search import SearchResult
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex, candidates, rarity, searcher
from tests.search_corpus import OWNER, START_US, Said, delete, rewrite, run, say, title, write

SECOND = 1_000_000


def ids(result: SearchResult) -> list[str | None]:
    return [hit.message_id for hit in result.hits]


def found(index: SearchIndex, query: str) -> set[str | None]:
    return set(ids(index.search(OWNER, query)))


def pages(index: SearchIndex, query: str, *, newest: bool, limit: int) -> list[str | None]:
    got: list[str | None] = []
    cursor = None
    while True:
        page = index.search(OWNER, query, newest=newest, limit=limit, cursor=cursor)
        got += ids(page)
        cursor = page.next
        if cursor is None:
            return got


def test_a_hit_says_where_it_is_and_why(engine: SqliteEngine, index: SearchIndex) -> None:
    write(engine, [Said("The café is open", model="gpt-4", conversation="c1", role="assistant")])
    title(engine, "c1", "Opening hours")

    (hit,) = index.search(OWNER, "cafe").hits

    assert (hit.conversation_id, hit.message_id, hit.title) == ("c1", "m1", "Opening hours")
    assert (hit.role, hit.model, hit.source, hit.project_id) == ("assistant", "gpt-4", None, None)
    assert hit.created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["café"]
    assert hit.score is not None


def test_a_title_is_a_hit_of_its_own_and_follows_its_changes(engine: SqliteEngine, index: SearchIndex) -> None:
    title(engine, "c1", "Trip to Rome")
    (hit,) = index.search(OWNER, "rome").hits
    assert (hit.message_id, hit.role, hit.conversation_id) == (None, None, "c1")

    title(engine, "c1", "Trip to Oslo")

    assert index.search(OWNER, "rome").hits == []
    assert len(index.search(OWNER, "oslo").hits) == 1
    title(engine, "c1", None)
    assert index.search(OWNER, "oslo").hits == []


def test_every_kind_of_part_is_searched_but_raw_ones(engine: SqliteEngine, index: SearchIndex) -> None:
    parts = (
        Text(text="alpha"),
        Thinking(text="beta", summary="gamma"),
        ToolCall(id="t", name="delta_tool", input={"path": "epsilon", "n": [1, {"deep": "zeta"}]}),
        ToolResult(call_id="t", output="eta"),
        AttachmentRef(name="theta.pdf"),
        Citation(url="https://iota.example", title="kappa", text="lambda"),
        Code(text="mu = 1"),
        RawPart(kind="odd", data="omega"),
    )
    write(engine, [Said("", parts=parts)])

    for word in (
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "1",
    ):
        assert found(index, word) == {"m1"}, word
    assert found(index, "omega") == set()
    assert found(index, "path") == set()


def test_the_trash_hides_and_restoring_shows_again_at_once(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "needle")
    run(engine, "UPDATE conversation SET trashed_at = 1")
    assert found(index, "needle") == set()

    run(engine, "UPDATE conversation SET trashed_at = NULL")

    assert found(index, "needle") == {"m1"}


def test_hidden_messages_are_found_only_on_request(engine: SqliteEngine, index: SearchIndex) -> None:
    write(engine, [Said("needle", hidden=True), Said("needle")])

    assert found(index, "needle") == {"m2"}
    assert found(index, "needle in:hidden") == {"m1", "m2"}


def test_a_streamed_reply_is_found_once_it_has_ended(engine: SqliteEngine, index: SearchIndex) -> None:
    (pk,) = write(engine, [Said("needle", status="streaming")])
    assert found(index, "needle") == set()

    rewrite(engine, pk, "needle and more")

    assert found(index, "needle more") == {"m1"}


def test_edited_and_deleted_messages_follow(engine: SqliteEngine, index: SearchIndex) -> None:
    first, second = say(engine, "old words", "other words")
    assert found(index, "words") == {"m1", "m2"}

    rewrite(engine, first, "new text")
    delete(engine, second)

    assert found(index, "words") == set()
    assert found(index, "new") == {"m1"}
    assert index.check() == []


def test_an_owner_finds_only_what_is_theirs(engine: SqliteEngine, index: SearchIndex) -> None:
    write(engine, [Said("needle", owner="ann", conversation="a"), Said("needle", owner="bob", conversation="b")])

    assert ids(index.search("ann", "needle")) == ["m1"]
    assert ids(index.search("bob", "needle", newest=True)) == ["m2"]
    assert ids(index.search("eve", "needle")) == []
    assert ids(index.search("ann", "-nothing")) == ["m1"]


def test_newest_first_is_by_the_time_of_the_message_not_of_its_arrival(
    engine: SqliteEngine, index: SearchIndex
) -> None:
    write(engine, [Said("needle", START_US + at * SECOND, pk=n * 5_000 + 1) for n, at in enumerate([5, 1, 9, 9, 3])])

    expected = ["m15001", "m10001", "m1", "m20001", "m5001"]
    assert pages(index, "needle", newest=True, limit=20) == expected
    assert pages(index, "needle", newest=True, limit=1) == expected
    assert pages(index, "role:user", newest=False, limit=2) == expected


def test_the_best_comes_first_and_pages_join_without_a_gap(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "needle in a long stack of hay and more hay", "needle needle", *["hay"] * 20, "a needle")

    whole = ids(index.search(OWNER, "needle"))

    assert whole[0] == "m2"
    assert sorted(map(str, whole)) == ["m1", "m2", "m23"]
    assert pages(index, "needle", newest=False, limit=1) == whole


def test_rare_words_weigh_more(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "common word here", "rare word here", *["common thing here"] * 30)

    assert ids(index.search(OWNER, "common OR rare"))[0] == "m2"


def test_of_too_many_matches_the_newest_are_ranked(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "WINDOW", 5)
    monkeypatch.setattr(searcher, "WINDOW", 5)
    write(engine, [Said("needle" + " needle" * (n == 3), START_US + n, pk=n * 3_000 + 1) for n in range(30)])
    say(engine, *["hay"] * 40)

    result = index.search(OWNER, "needle", limit=100)

    assert result.ranked_window == 5
    assert set(ids(result)) == {f"m{n * 3_000 + 1}" for n in range(25, 30)}
    assert index.search(OWNER, "needle", newest=True, limit=100).ranked_window is None


def test_words_of_most_messages_are_not_ranked(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, *["the thing"] * 3, "other")

    result = index.search(OWNER, "the")

    assert result.ranked_window == 0
    assert ids(result) == ["m3", "m2", "m1"]
    assert pages(index, "the", newest=False, limit=2) == ["m3", "m2", "m1"]
    assert index.search(OWNER, "other").ranked_window is None


@pytest.mark.parametrize("query", ["be*", "be* other", "be* -fox", "other -be*", "be* OR fox", '"some be"*', "x be*"])
def test_beginnings_that_most_messages_hold_are_read_in_the_texts(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Nobody may notice which way an answer was found."""
    say(
        engine,
        "bear fox",
        "some bear other",
        "fox",
        "other",
        "béar",
        "amber",
        "x bear",
        "some x",
        "bear",
        "some BEAVER",
    )
    expected = found(index, query)
    monkeypatch.setattr(rarity, "_FEW_DOCUMENTS", 0)
    index.rebuild()

    with SearchIndex(engine, engine.directory) as again:
        assert found(again, query) == expected
        assert expected


def test_substrings_are_found_inside_words_and_with_punctuation(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "call foo(bar) now", "Überfoo(Baz)", "foo bar")
    title(engine, "c", "superfoo(bar)")

    assert found(index, "in:substring o(ba") == {None, "m1", "m2"}
    assert found(index, "in:substring berfoo in:text") == {"m2"}
    assert found(index, "in:substring foo -o(b") == {"m3"}
    assert found(index, "in:substring") == set()


def test_reading_texts_takes_turns_with_pages(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that takes too long answers with what it has, and the next page goes on."""
    monkeypatch.setattr(searcher, "_READING_S", 0.0)
    write(engine, [Said("hay", START_US + n) for n in range(99)])
    write(engine, [Said("xneedlex", START_US - 1)])

    first = index.search(OWNER, "in:substring needle", limit=5)

    assert first.hits == []
    assert first.next is not None
    assert pages(index, "in:substring needle", newest=False, limit=5) == ["m100"]


def test_gone_rows_are_refilled(engine: SqliteEngine, index: SearchIndex) -> None:
    """What the index still holds of trashed conversations must not shorten a page."""
    write(engine, [Said("needle", START_US + n, conversation=f"c{n % 2}") for n in range(40)])
    run(engine, "UPDATE conversation SET trashed_at = 1 WHERE id = 'c1'")

    assert len(index.search(OWNER, "needle", limit=15).hits) == 15
    assert len(pages(index, "needle", newest=True, limit=3)) == 20


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WyJzZWFyY2giXQ", "\x00", "é"])
def test_a_foreign_cursor_is_refused(index: SearchIndex, engine: SqliteEngine, cursor: str) -> None:
    say(engine, "needle")

    with pytest.raises(CursorError):
        index.search(OWNER, "needle", cursor=cursor)


def test_a_cursor_belongs_to_its_query_and_owner(index: SearchIndex, engine: SqliteEngine) -> None:
    say(engine, "needle", "needle")
    cursor = index.search(OWNER, "needle", limit=1).next

    for owner, query, newest in [(OWNER, "other", False), ("eve", "needle", False), (OWNER, "needle", True)]:
        with pytest.raises(CursorError):
            index.search(owner, query, newest=newest, cursor=cursor)


def test_what_is_not_indexed_yet_is_counted(engine: SqliteEngine, index: SearchIndex) -> None:
    index.catch_up(None)
    write(engine, [Said("needle", START_US + n) for n in range(1_200)])

    assert index.catch_up(500) == 700
    assert index.catch_up(0) == 700
    assert index.search(OWNER, "needle").behind == 0
    assert index.catch_up() == 0


def test_a_message_that_cannot_be_read_is_passed_over(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "needle", "broken", "needle")
    run(engine, "UPDATE message SET body = '{not json' WHERE pk = 2")

    assert found(index, "needle") == {"m1", "m3"}


def test_words_longer_than_the_index_keeps_do_no_harm(engine: SqliteEngine, index: SearchIndex) -> None:
    say(engine, "a" * 100_000 + " needle", "b" * 3_000_000)

    assert found(index, "needle") == {"m1"}
    assert found(index, "b" * 20_000 + "*") == {"m2"}
    assert index.check() == []


def test_after_closing_it_says_so(engine: SqliteEngine) -> None:
    index = SearchIndex(engine, engine.directory)
    index.close()
    index.close()

    with pytest.raises(StoreClosedError):
        index.search(OWNER, "x")


def test_times_out_of_range_are_no_trouble(engine: SqliteEngine, index: SearchIndex) -> None:
    write(engine, [Said("needle", -to_us(datetime(2020, 1, 1, tzinfo=UTC))), Said("needle", 0)])

    assert pages(index, "needle before:1980", newest=True, limit=5) == ["m2", "m1"]
