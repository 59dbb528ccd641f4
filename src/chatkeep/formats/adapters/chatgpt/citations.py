"""Citation markers in the text of an answer, and the sources that they stand for.

Two forms exist. Since late 2024 private-use characters enclose a command (U+E200 ... U+E201, fields parted by U+E202);
before, lenticular brackets held numbers (``【12†source】``). Nothing in a marker is an index into anything in the file,
so a marker is looked up by its own text first. A marker that names sources becomes ``[1]``, the number of its
:class:`~chatkeep.model.Citation` in the message; the others disappear. What stood where is kept with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec

from chatkeep.model import Citation

_MARKER = re.compile(
    "\ue200[^\ue200\ue201]{0,4000}\ue201"  # a whole command
    "|\ue200\\w*(?:\ue202[\\w:-]*)*"  # the rest of one whose answer was cut off
    "|[\ue201-\ue206]"  # brackets round a highlighted span, and strays
    "|\u3010\\d+(?::\\d+)?\u2020[^\u3010\u3011]{0,400}\u3011"
)
_OLD = re.compile("\u3010(\\d+)(?::(\\d+))?\u2020([^\u3010\u3011]*)\u3011")
# Commands whose text is a word of the sentence; all others only point somewhere.
_SPEAKING = frozenset({"entity", "url", "link"})
# Kinds of references; tuples, since what stands there may be no text, and not even hashable.
_UNMARKED = ("sources_footnote", "webpage", "webpage_extended")
_NO_SOURCES = ("alt_text", "attribution", "hidden", "image_v2")
_TOKENS = re.compile(r"turn\d+[a-z_]+\d+")

CiteLists = Callable[[], list[list[Any]]]
"""The numbered source lists of the tool results that an answer could see, nearest first."""


def has_markers(text: str) -> bool:
    """Whether :meth:`Resolver.resolve` could change the text."""
    # Whether a text is ASCII is known without looking, and nearly always answers; a regular expression is slower.
    if text.isascii():
        return False
    return "\ue200" in text or "\u2020" in text or "\ue203" in text or "\ue204" in text or "\ue206" in text


class Resolver:
    """Numbers the sources of one message, over all of its texts."""

    def __init__(self, metadata: dict[str, Any], earlier: CiteLists) -> None:
        self._by_text = _references(metadata.get("content_references"))
        self._spans = _spans(metadata.get("citations"))
        self._by_token = _search_results(metadata.get("search_result_groups"))
        self._earlier = cache(earlier)
        self._metadata = metadata
        self._numbers: dict[tuple[str | None, str | None], int] = {}
        self._supporting: list[Citation] = []
        self.citations: list[Citation] = []

    def resolve(self, text: str) -> tuple[str, list[list[Any]]]:
        """The text as a person reads it, and ``[offset in it, characters shown, what stood there]`` per marker."""
        found = list(_MARKER.finditer(text))
        in_order = self._leftover_spans(found)
        pieces: list[str] = []
        markers: list[list[Any]] = []
        length = end = 0
        for match in found:
            pieces.append(text[end : match.start()])
            length += match.start() - end
            span_sources = self._spans.get(match.span()) or in_order.get(match.start())
            shown = self._shown(match.group(), span_sources)
            pieces.append(shown)
            markers.append([length, len(shown), match.group()])
            length += len(shown)
            end = match.end()
        pieces.append(text[end:])
        return "".join(pieces), markers

    def add_unmarked(self) -> None:
        """Add the sources that no marker names: what supports others, and lists below the answer."""
        for citation in self._supporting:
            self._number(citation)
        for reference in _objects(self._metadata.get("content_references")):
            if reference.get("type") in _UNMARKED:
                for citation, _ in _sources(reference):
                    self._number(citation)

    def _leftover_spans(self, found: list[re.Match[str]]) -> dict[int, Citation]:
        # Offsets are in an unknown unit: emoji shift them. If as many sources are left as markers, they pair in order.
        spans = {match.span() for match in found}
        open_markers = [m.start() for m in found if m.span() not in self._spans and _cites(m.group())]
        open_sources = [citation for span, citation in sorted(self._spans.items()) if span not in spans]
        return dict(zip(open_markers, open_sources, strict=True)) if len(open_markers) == len(open_sources) else {}

    def _shown(self, marker: str, by_place: Citation | None) -> str:
        kind, fields = _command(marker)
        references = self._by_text.get(marker)
        # The same marker may stand in several places, with a reference for each; they are kept last first.
        reference = (references.pop() if len(references) > 1 else references[0]) if references else {}
        if kind in _SPEAKING:
            return _spoken(reference, fields)
        cited = list(_sources(reference)) or [(each, True) for each in self._named(marker, kind, fields, by_place)]
        if cited:
            self._supporting.extend(citation for citation, is_named in cited if not is_named)
            numbers = {self._number(citation) for citation, is_named in cited if is_named}
            return "".join(f"[{number}]" for number in sorted(numbers))
        alternative = reference.get("alt")
        return alternative if isinstance(alternative, str) and reference.get("type") != "hidden" else ""

    def _named(self, marker: str, kind: str, fields: list[str], by_place: Citation | None) -> list[Citation]:
        if by_place is not None:
            return [by_place]
        return self._from_old(marker) if kind == "old" else self._from_tokens(fields)

    def _number(self, citation: Citation) -> int:
        key = (citation.url, None if citation.url else citation.title)
        number = self._numbers.get(key)
        if number is None:
            self.citations.append(citation)
            number = self._numbers[key] = len(self.citations)
        return number

    def _from_tokens(self, fields: list[str]) -> list[Citation]:
        tokens = [token for field in fields for token in _TOKENS.findall(field)]
        return [self._by_token[token] for token in tokens if token in self._by_token]

    def _from_old(self, marker: str) -> list[Citation]:
        match = _OLD.fullmatch(marker)
        if match is None:
            return []
        first, second, label = match.groups()
        lists = self._earlier()
        # In n:m the first number counts messages from a start that the export does not say: only one list is certain.
        position = first if second is None else second
        if lists and (second is None or len(lists) == 1) and len(position) < 7 and int(position) < len(lists[0]):
            entry = lists[0][int(position)]
            if isinstance(entry, dict) and (citation := _citation(entry)) is not None:
                return [citation]
        return [] if label.strip() in {"", "source"} else [Citation(title=label.strip())]


def _cites(marker: str) -> bool:
    return marker[0] == "\u3010" or _command(marker)[0] in {"cite", "filecite"}


def _command(marker: str) -> tuple[str, list[str]]:
    if marker[0] == "\u3010":
        return "old", []
    kind, *fields = marker.strip("\ue200\ue201").split("\ue202")
    return kind, fields


def _spoken(reference: dict[str, Any], fields: list[str]) -> str:
    for key in ("alt", "name", "title"):
        if isinstance(value := reference.get(key), str) and value:
            return value
    if not fields:
        return ""
    try:
        named = msgspec.json.decode(fields[0])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return fields[0]
    # ["city", "Lisbon", "capital of Portugal"]: its kind, its name, a hint for looking it up.
    if isinstance(named, list):
        return next((item for item in named[1:2] if isinstance(item, str)), "")
    return fields[0]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _references(value: Any) -> dict[str, list[dict[str, Any]]]:
    by_text: dict[str, list[dict[str, Any]]] = {}
    for reference in _objects(value):
        if isinstance(matched := reference.get("matched_text"), str) and matched:
            by_text.setdefault(matched, []).append(reference)
    for references in by_text.values():
        references.reverse()
    return by_text


def _sources(reference: dict[str, Any]) -> Iterator[tuple[Citation, bool]]:
    """The sources of one reference, and whether the text names them: some only support another."""
    listed = False
    for key in ("items", "sources", "fallback_items"):
        if listed:
            break
        for item in _objects(reference.get(key)):
            if (citation := _citation(item)) is None:
                continue
            listed = True
            yield citation, True
            for supporting in _objects(item.get("supporting_websites")):
                if (support := _citation(supporting)) is not None:
                    yield support, False
    if not listed and reference.get("type") not in _NO_SOURCES:
        own = _citation(reference)
        if own is not None:
            yield own, True


def _citation(entry: dict[str, Any]) -> Citation | None:
    url = entry.get("url") or entry.get("cloud_doc_url")
    title = entry.get("title") or entry.get("name")
    text = entry.get("snippet") or entry.get("text")
    url = url if isinstance(url, str) else None
    title = title if isinstance(title, str) else None
    if not url and not title:
        return None
    return Citation(url=url, title=title, text=text if isinstance(text, str) else None)


def _spans(value: Any) -> dict[tuple[int, int], Citation]:
    spans: dict[tuple[int, int], Citation] = {}
    for entry in _objects(value):
        start, end, about = entry.get("start_ix"), entry.get("end_ix"), entry.get("metadata")
        if isinstance(start, int) and isinstance(end, int) and isinstance(about, dict):
            citation = _citation(about)
            if citation is not None:
                spans[start, end] = citation
    return spans


def _search_results(value: Any) -> dict[str, Citation]:
    by_token: dict[str, Citation] = {}
    for group in _objects(value):
        for entry in _objects(group.get("entries")):
            reference = entry.get("ref_id")
            if not isinstance(reference, dict) or (citation := _citation(entry)) is None:
                continue
            turn, kind, index = (reference.get(key) for key in ("turn_index", "ref_type", "ref_index"))
            if _is_index(turn) and isinstance(kind, str) and _is_index(index):
                by_token.setdefault(f"turn{turn}{kind}{index}", citation)
    return by_token


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 1_000_000
