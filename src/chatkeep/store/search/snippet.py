"""The piece of a text that shows why it was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from chatkeep.store.search.patterns import term_pattern
from chatkeep.store.search.query import Term
from chatkeep.store.search.tokens import fold_char, is_paired

WIDTH = 160
_LEAD = 40
_MAX_MATCHES = 512
_MAX_WORDS = 300_000
_FEW_TERMS = 16
_CHUNK = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")


class Snippet(NamedTuple):
    """Text of about :data:`WIDTH` characters and the places in it that were found."""

    text: str
    marks: tuple[tuple[int, int], ...]


class _Word(NamedTuple):
    start: int
    end: int
    word: str


class _Found(NamedTuple):
    start: int
    end: int
    term: int


def cut(text: str, terms: Sequence[Term]) -> Snippet:
    """The place of a text where most of the terms stand together; its beginning if none is found.

    Takes time in proportion to the text: the first 300,000 words are looked at.
    """
    found = list(_matches(text, terms))
    start, end = _window(text, found)
    return _render(text, start, end, [(f.start, f.end) for f in found if f.start >= start and f.end <= end])


def _matches(text: str, terms: Sequence[Term]) -> Iterator[_Found]:
    exact: dict[str, list[int]] = {}
    prefixes: list[tuple[str, int]] = []
    for number, term in enumerate(terms):
        if len(term.words) == 1 and term.prefix:
            prefixes.append((term.words[0], number))
        elif term.words:
            exact.setdefault(term.words[0], []).append(number)
    if not exact and not prefixes:
        return
    if text.isascii() and len(terms) <= _FEW_TERMS:
        yield from islice(_ascii_matches(text, terms), _MAX_MATCHES)
        return
    longest = max(len(term.words) for term in terms)
    count = 0
    for ahead in _windows_of(_spans(text), longest):
        first = ahead[0]
        for number in (*exact.get(first.word, ()), *(n for p, n in prefixes if first.word.startswith(p))):
            end = _phrase_end(ahead, terms[number])
            if end is not None:
                yield _Found(first.start, end, number)
                count += 1
        if count >= _MAX_MATCHES:
            return


def _ascii_matches(text: str, terms: Sequence[Term]) -> Iterator[_Found]:
    """The same for the usual text and query, ten times faster."""
    numbers = [number for number, term in enumerate(terms) if term.words and all(map(str.isascii, term.words))]
    if not numbers:
        return
    ends = {number: "[0-9a-z]*" if terms[number].prefix else "" for number in numbers}
    pattern = "|".join(f"(?P<t{number}>{term_pattern(terms[number])}{ends[number]})" for number in numbers)
    for match in re.finditer(pattern, text, re.IGNORECASE | re.ASCII):
        yield _Found(match.start(), match.end(), int((match.lastgroup or "t0")[1:]))


def _windows_of(words: Iterator[_Word], size: int) -> Iterator[list[_Word]]:
    """At each word, it and up to ``size - 1`` that follow."""
    ahead: list[_Word] = []
    for number, word in enumerate(words):
        ahead.append(word)
        if len(ahead) >= size:
            yield ahead
            del ahead[0]
        if number >= _MAX_WORDS:
            break
    while ahead:
        yield ahead
        del ahead[0]


def _phrase_end(ahead: list[_Word], term: Term) -> int | None:
    words = term.words
    if len(ahead) < len(words):
        return None
    last = len(words) - 1
    for i, wanted in enumerate(words):
        word = ahead[i].word
        if word != wanted and not (term.prefix and i == last and word.startswith(wanted)):
            return None
    if term.prefix and len(words[last]) == 1 and is_paired(words[last]):
        return ahead[last].start + 1
    return ahead[last].end


def _spans(text: str) -> Iterator[_Word]:
    """The words of a text, as :func:`chatkeep.store.search.tokens.words` gives them, with where they stand."""
    for chunk in _CHUNK.finditer(text):
        piece = chunk.group()
        if piece.isascii():
            yield _Word(chunk.start(), chunk.end(), piece.lower())
        else:
            yield from _folded_spans(piece, chunk.start())


def _folded_spans(piece: str, offset: int) -> Iterator[_Word]:
    run: list[tuple[str, int]] = []
    paired = False
    for at, char in enumerate(piece, offset):
        for folded in fold_char(char):
            is_break = folded == " "
            if run and (is_break or is_paired(folded) != paired):
                yield from _run_words(run, paired=paired)
                run = []
            if not is_break:
                paired = is_paired(folded)
                run.append((folded, at))
    if run:
        yield from _run_words(run, paired=paired)


def _run_words(run: list[tuple[str, int]], *, paired: bool) -> Iterator[_Word]:
    if not paired:
        yield _Word(run[0][1], run[-1][1] + 1, "".join(char for char, _ in run))
        return
    for (first, at), (second, end) in pairwise(run):
        yield _Word(at, end + 1, first + second)
    yield _Word(run[-1][1], run[-1][1] + 1, run[-1][0])


def _window(text: str, found: list[_Found]) -> tuple[int, int]:
    """Where the snippet begins and ends: around the span that holds most different terms."""
    if not found:
        return 0, _word_end(text, min(len(text), WIDTH))
    best, best_count = found[0].start, 0
    counts: dict[int, int] = {}
    low = 0
    for match in found:
        counts[match.term] = counts.get(match.term, 0) + 1
        while match.end - found[low].start > WIDTH - _LEAD and found[low] is not match:
            counts[found[low].term] -= 1
            if not counts[found[low].term]:
                del counts[found[low].term]
            low += 1
        if len(counts) > best_count:
            best, best_count = found[low].start, len(counts)
    start = max(0, min(best - _LEAD, len(text) - WIDTH))
    start = _word_start(text, start, best)
    return start, _word_end(text, min(len(text), start + WIDTH))


def _word_start(text: str, start: int, limit: int) -> int:
    """The first beginning of a word from ``start`` on, within a few characters."""
    if start == 0:
        return 0
    for at in range(start, min(limit, start + 20)):
        if text[at - 1].isspace():
            return at
    return start


def _word_end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    for at in range(end, max(end - 20, 1), -1):
        if text[at].isspace():
            return at
    return end


def _render(text: str, start: int, end: int, places: list[tuple[int, int]]) -> Snippet:
    """The piece with whitespace joined, and the marked places moved along."""
    out: list[str] = ["…"] if start > 0 else []
    moved: dict[int, int] = {}
    for at in range(start, end):
        moved[at] = len(out)
        char = text[at]
        if not char.isspace():
            out.append(char)
        elif out and out[-1] not in (" ", "…"):
            out.append(" ")
    moved[end] = len(out)
    if end < len(text):
        out.append("…")
    marks = _joined((moved[first], moved[last]) for first, last in places)
    return Snippet("".join(out), marks)


def _joined(places: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Places in order, overlapping or touching ones made one."""
    marks: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if marks and start <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(marks[-1][1], end))
        else:
            marks.append((start, end))
    return tuple(marks)
