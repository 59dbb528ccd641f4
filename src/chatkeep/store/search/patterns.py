"""Looking for the terms of a query in one text, without an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from chatkeep.store.search.query import Term
from chatkeep.store.search.tokens import lower_ascii, plain, prepare

# What parts words is ASCII; naming it, and not what words are made of, keeps compiling quick.
_BETWEEN = r"[\x00-/:-@\[-`{-\x7f]"
_IN_WORD = r"[^\x00-/:-@\[-`{-\x7f]"

Check = Callable[[str], bool]
"""Whether a text is what is looked for."""


def term_pattern(term: Term) -> str:
    """A regular expression for a term in prepared text, or in ASCII text as it is if case is ignored.

    It takes time in proportion to the text: between two words there is nothing to try twice.
    """
    body = f"{_BETWEEN}+".join(term.words)
    end = "" if term.prefix else f"(?!{_IN_WORD})"
    return f"(?<!{_IN_WORD}){body}{end}"


def check_of(groups: Sequence[Sequence[Term]], excluded: Sequence[Term], *, substring: bool) -> Check:
    """Whether all groups are found in a text, each by any of its terms, and none of ``excluded`` is."""
    if substring:
        wanted = [[term.text for term in group] for group in groups]
        unwanted = [term.text for term in excluded]

        def has_texts(text: str) -> bool:
            folded = plain(text)
            return all(any(part in folded for part in group) for group in wanted) and not any(
                part in folded for part in unwanted
            )

        return has_texts

    finders = [_finder(group) for group in groups]
    barrier = _finder(excluded) if excluded else None

    def has_words(text: str) -> bool:
        folded = lower_ascii(prepare(text))
        return all(find(folded) for find in finders) and not (barrier is not None and barrier(folded))

    return has_words


def _finder(terms: Sequence[Term]) -> Callable[[str], object]:
    return re.compile("|".join(term_pattern(term) for term in terms)).search
