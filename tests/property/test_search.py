"""What is found is what reading every message would find, in every script, and in the order of time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.store.search.patterns import check_of
from chatkeep.store.search.query import MAX_CHARS, Term, parse
from chatkeep.store.search.snippet import cut
from chatkeep.store.search.tokens import phrase, words
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex
from tests.property.search_oracle import holds, units
from tests.search_corpus import START_US, Said, delete, open_engine, write

# Few and similar, so that queries find something; every script that is cut in its own way.
LATIN = [
    "cafe",
    "café",
    "CAFE\u0301",
    "straße",
    "STRASSE",
    "naive",
    "naïve",
    "go",
    "gone",
    "x2",
    "ﬁn",
    "İstanbul",
    "Ωmega",
]
CJK = ["写", "代码", "写代码", "代", "码写", "プログラム", "ﾌﾟﾛ", "ぷろ", "한국어", "국어", "々"]
OTHERS = ["สวัสดี", "ครับ", "ສະບາຍ", "សួស្តី", "မင်္ဂလာ", "नमस्ते", "दुनिया", "नम", "привет", "ПРИВЕТ", "שָׁלוֹם", "שלום", "مَرحبا"]
CODE = ["foo_bar", "a.b()", "x=1;", "--flag", "C:\\dir", "key: value", "½", "ⅷ", "①", "H₂O"]
ODD = ["🚀", "👩‍💻", "❤️", "🇩🇪", "\u00ad", "\u200b", "…", "\x00", "\ue000", "\U000e0100", "\u0301", "゙", "－", "'"]
PIECES = st.sampled_from(LATIN + CJK + OTHERS + CODE + ODD)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=8).flatmap(
    lambda pieces: st.sampled_from(["", " ", ", ", "\n"]).map(lambda glue: glue.join(pieces))
)
# What a message can hold: the store keeps no NUL and no lone surrogates.
STORED = TEXTS.map(lambda text: text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode())


class Bench(NamedTuple):
    """A store that all examples share; each has an owner of its own."""

    engine: SqliteEngine
    searching: SearchIndex
    owners: Iterator[int]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("search")
    engine = open_engine(directory)
    with SearchIndex(engine, directory) as index:
        yield Bench(engine, index, itertools.count())
    engine.close()


def found(bench: Bench, owner: str, query: str, *, newest: bool, limit: int = 100) -> list[str | None]:
    """The ids of what a query finds, page after page."""
    ids: list[str | None] = []
    cursor = None
    while True:
        page = bench.searching.search(owner, query, newest=newest, limit=limit, cursor=cursor, wait=True)
        assert page.behind == 0
        assert page.ranked_window in {None, 0}
        ids += [hit.message_id for hit in page.hits]
        cursor = page.next
        if cursor is None:
            return ids
        assert page.hits


class Asked(NamedTuple):
    text: str
    kind: str


QUOTABLE = PIECES.filter(lambda piece: '"' not in piece)
TERMS = st.one_of(
    st.builds(Asked, QUOTABLE, st.just("word")),
    st.builds(lambda a, b: Asked(f"{a} {b}", "phrase"), QUOTABLE, QUOTABLE),
    st.builds(lambda a, b: Asked(f"{a}{b}", "phrase"), QUOTABLE, QUOTABLE),
    st.builds(Asked, QUOTABLE, st.just("prefix")),
)


def typed(asked: Asked) -> str:
    return f'"{asked.text}"' + ("*" if asked.kind == "prefix" else "")


def fits(asked: Asked, text: str) -> bool:
    return holds(units(text), asked.text, prefix=asked.kind == "prefix")


@given(
    texts=st.lists(STORED, min_size=1, max_size=6),
    gaps=st.lists(st.sampled_from([1, 700, 5_000]), min_size=6, max_size=6),
    times=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    wanted=st.lists(TERMS, min_size=1, max_size=3),
    either=st.booleans(),
    unwanted=st.lists(TERMS, max_size=1),
)
def test_a_query_finds_what_reading_every_message_finds(
    bench: Bench,
    texts: list[str],
    gaps: list[int],
    times: list[int],
    wanted: list[Asked],
    either: bool,
    unwanted: list[Asked],
) -> None:
    owner = f"owner{next(bench.owners)}"
    # The messages of the example before make room, or every example would look at the blocks of all others.
    delete(bench.engine, *(row[0] for row in bench.engine.read(lambda tx: tx.rows("SELECT pk FROM message"))))
    pks = list(itertools.accumulate(gaps))
    said = [
        Said(text, START_US + at, pk=pk, owner=owner, conversation=owner)
        for text, at, pk in zip(texts, times, pks, strict=False)
    ]
    write(bench.engine, said)
    # Parts of a query that have no words at all are not asked for.
    wanted = [asked for asked in wanted if units(asked.text)]
    unwanted = [asked for asked in unwanted if units(asked.text)]
    query = (" OR " if either else " ").join(map(typed, wanted)) + "".join(f" -{typed(asked)}" for asked in unwanted)

    found_one = any if either and wanted else all
    expected = [
        one
        for one in said
        if (wanted or unwanted)
        and found_one(fits(asked, one.text) for asked in wanted)
        and not any(fits(asked, one.text) for asked in unwanted)
    ]
    in_order = [f"m{one.pk}" for one in sorted(expected, key=lambda one: (one.at_us, one.pk), reverse=True)]
    assert found(bench, owner, query, newest=True) == in_order
    assert found(bench, owner, query, newest=True, limit=1) == in_order
    assert sorted(map(str, found(bench, owner, query, newest=False))) == sorted(in_order)


@given(st.text(max_size=40) | TEXTS)
def test_the_words_of_a_text_are_those_of_the_definition(text: str) -> None:
    expected: list[str] = []
    run: list[str] = []
    for unit in units(text):
        if not unit.is_paired:
            expected.append(unit.text)
            continue
        run = [unit.text] if unit.opens else [*run, unit.text]
        if len(run) > 1:
            expected.append("".join(run[-2:]))
        if unit.closes:
            expected.append(unit.text)

    assert words(text) == expected


@given(
    query=st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                '"',
                "-",
                "OR",
                "AND",
                "NOT",
                "NEAR(",
                ")",
                "*",
                "^",
                ":",
                "{a}",
                "role:",
                "before:x",
                "in:",
                "'",
                "\\",
                "\x00",
            ]
        )
        | st.text(alphabet=st.characters(codec=None), max_size=5),
        max_size=12,
    ).map(" ".join)
)
def test_no_query_is_an_error(bench: Bench, query: str) -> None:
    for newest in (False, True):
        assert bench.searching.search("nobody", query, newest=newest).hits == []
    parse(query)


@given(
    texts=st.lists(STORED, min_size=1, max_size=3),
    asked=st.lists(TERMS.filter(lambda asked: bool(units(asked.text))), min_size=1, max_size=2),
)
def test_reading_a_text_agrees_with_the_index(texts: list[str], asked: list[Asked]) -> None:
    """Heavy beginnings are looked for in texts, others in the index: nobody may notice which."""
    terms = [Term(*phrase(a.text, prefix=a.kind == "prefix"), a.text) for a in asked]
    for text in texts:
        assert check_of([terms], (), substring=False)(text) == any(fits(a, text) for a in asked)


@given(text=STORED, asked=st.lists(TERMS, max_size=3), long=st.integers(1, 60))
def test_a_snippet_is_short_and_its_marks_lie_in_it(text: str, asked: list[Asked], long: int) -> None:
    terms = [Term(*phrase(a.text, prefix=a.kind == "prefix"), a.text) for a in asked]

    snippet = cut(text * long, terms)

    assert len(snippet.text) <= 200
    assert list(snippet.marks) == sorted(snippet.marks)
    assert all(0 <= start < end <= len(snippet.text) for start, end in snippet.marks)


def test_a_long_query_is_no_error(bench: Bench) -> None:
    for query in ("word " * 2_000, '"' * 10_000, "a" * 10_000, " ".join(map(str, range(3_000))), "x" * (MAX_CHARS + 9)):
        assert bench.searching.search("nobody", query).hits == []
