"""Futures that follow from other futures, and what becomes of results that nobody waits for."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

import pytest

from chatkeep.store.promising import followed_by


def test_the_result_is_converted() -> None:
    source: Future[int] = Future()
    result = followed_by(source, str)

    source.set_result(7)

    assert result.result(0) == "7"


def test_errors_go_on() -> None:
    source: Future[str] = Future()
    failed, odd = followed_by(source, str), followed_by(source, int)
    source.set_result("seven")

    assert failed.result(0) == "seven"
    with pytest.raises(ValueError, match="seven"):
        odd.result(0)


def test_cancelling_withdraws_what_has_not_begun() -> None:
    source: Future[int] = Future()
    abandoned: list[str] = []
    result = followed_by(source, str, abandoned=abandoned.append)

    assert result.cancel()

    assert source.cancelled()
    assert abandoned == []


def test_a_result_that_came_too_late_is_handed_over() -> None:
    """A stream that was begun for a task that is gone must be ended by somebody."""
    source: Future[int] = Future()
    abandoned: list[str] = []
    result = followed_by(source, str, abandoned=abandoned.append)
    assert source.set_running_or_notify_cancel()

    assert result.cancel()
    source.set_result(7)

    assert result.cancelled()
    assert abandoned == ["7"]


def test_a_source_that_is_cancelled_cancels_what_follows() -> None:
    source: Future[int] = Future()
    result = followed_by(source, str)

    source.cancel()

    with pytest.raises(CancelledError):
        result.result(0)
