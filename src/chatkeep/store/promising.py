"""Futures that follow from other futures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def followed_by(
    source: Future[S], convert: Callable[[S], T], *, abandoned: Callable[[T], None] | None = None
) -> Future[T]:
    """A future of what ``convert``, which must be short, makes of the source's result.

    Cancelling it withdraws the source if that has not begun. If it has, its result is converted all the same and
    handed to ``abandoned``, because nobody else will ask for it.
    """
    result: Future[T] = Future()

    def on_source(done: Future[S]) -> None:
        try:
            value = convert(done.result())
        except CancelledError:
            result.cancel()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
            if result.set_running_or_notify_cancel():
                result.set_exception(error)
        else:
            if result.set_running_or_notify_cancel():
                result.set_result(value)
            elif abandoned is not None:
                abandoned(value)

    def on_result(done: Future[T]) -> None:
        if done.cancelled():
            source.cancel()

    result.add_done_callback(on_result)
    source.add_done_callback(on_source)
    return result
