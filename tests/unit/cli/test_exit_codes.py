from __future__ import annotations

import inspect

import pytest

from chatkeep import errors
from chatkeep.cli import exit_codes
from chatkeep.cli.exit_codes import TABLE, exit_code

CLASSES = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, errors.ChatkeepError)]
# Of these only families are raised: a class that has no nearer entry was forgotten.
TOO_WIDE = (errors.ChatkeepError, errors.StoreError, errors.StoreUnavailableError, Exception)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_has_an_exit_code_of_its_family(cls: type[errors.ChatkeepError]) -> None:
    nearest = next(parent for parent in cls.__mro__ if parent in TABLE)

    assert nearest is cls or nearest not in TOO_WIDE, f"add {cls.__name__} to the table of exit codes"


def test_codes_of_errors_are_no_signals_and_not_those_of_success() -> None:
    assert all(1 < code < 70 for code in TABLE.values())


def test_an_error_has_the_code_of_its_nearest_ancestor() -> None:
    class LaterError(errors.StoreBusyError):
        pass

    assert exit_code(LaterError("x")) == TABLE[errors.StoreBusyError]
    assert exit_code(errors.CursorError("x")) == exit_codes.USAGE


def test_an_error_that_is_not_ours_is_a_bug() -> None:
    assert exit_code(KeyError("x")) == exit_codes.BUG
