"""STYLE, errors: every class has a code of its own that does not change, and the docs explain it."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict

from chatkeep import errors
from tests.style.tree import REPO

_CODE = re.compile(r"[a-z]+(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+")


def bad_codes(classes: list[type[Exception]]) -> list[str]:
    """A complaint for each class with no code of its own, an odd one, or one that another class has."""
    found = []
    owners = defaultdict(list)
    for cls in classes:
        code = vars(cls).get("code")
        if not isinstance(code, str):
            found.append(f"{cls.__name__} has no `code` of its own")
        elif not _CODE.fullmatch(code):
            found.append(f"{cls.__name__}: {code!r} is not of the form area.what-happened")
        else:
            owners[code].append(cls.__name__)
    return found + [f"{code!r} belongs to {' and to '.join(names)}" for code, names in owners.items() if len(names) > 1]


def undocumented(classes: list[type[Exception]], text: str) -> list[str]:
    """What a page does not say about these classes: each code stands in backticks, as does each class name."""
    wanted = [word for cls in classes for word in (getattr(cls, "code", None), cls.__name__) if word]
    return [word for word in wanted if f"`{word}`" not in text]


def error_classes() -> list[type[Exception]]:
    """Every error class defined in ``chatkeep.errors``."""
    classes = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    return [cls for cls in classes if cls.__module__ == errors.__name__]


def test_every_error_has_a_code_of_its_own() -> None:
    assert bad_codes(error_classes()) == []


def test_every_error_has_the_one_base() -> None:
    assert [cls.__name__ for cls in error_classes() if not issubclass(cls, errors.ChatkeepError)] == []


def test_every_error_is_documented() -> None:
    page = REPO / "docs" / "errors.md"
    text = page.read_text("utf-8") if page.exists() else ""

    assert undocumented(error_classes(), text) == [], f"add these, in backticks, to {page.relative_to(REPO)}"


class _InventedError(Exception):
    code = "made.up"


class _CopiedError(Exception):
    code = "made.up"


class _HeirError(_InventedError):
    pass


class _OddError(Exception):
    code = "Odd Code"


def test_missing_odd_and_shared_codes_are_found() -> None:
    assert bad_codes([_InventedError]) == []
    assert bad_codes([_InventedError, _CopiedError]) == ["'made.up' belongs to _InventedError and to _CopiedError"]
    assert bad_codes([_HeirError]) == ["_HeirError has no `code` of its own"]
    assert bad_codes([_OddError]) == ["_OddError: 'Odd Code' is not of the form area.what-happened"]


def test_undocumented_errors_are_found() -> None:
    assert undocumented([_InventedError], "`made.up`: `_InventedError` is raised when...") == []
    assert undocumented([_InventedError], "made.up is mentioned, not explained") == ["made.up", "_InventedError"]
