"""Processes that stream, recover, or both; run as ``python streaming_process.py <directory> <command>``."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path

import chatkeep
from chatkeep.store.flushing import Flusher
from chatkeep.store.sqlite import FilePresence, SqliteEngine


def say(what: object) -> None:
    """One line for the test that started this process."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def write_for_ever(keep: chatkeep.Keep) -> None:
    """Stream ``number:nanoseconds`` about every millisecond; a line says that another hundred are written."""
    chat = keep.conversations.create()
    reply = keep.messages.stream(chat.id)
    say(reply.message.id)
    for number in itertools.count():
        reply.write(f"{number}:{time.monotonic_ns()} ")
        threading.Event().wait(0.001)
        if number % 100 == 99:
            say(number)


def open_many(keep: chatkeep.Keep) -> None:
    """Open twenty replies, flush them, and wait."""
    chat = keep.conversations.create()
    replies = [keep.messages.stream(chat.id) for _ in range(20)]
    for number, reply in enumerate(replies):
        reply.write(f"reply {number}")
    keep._opened.flusher.flush()
    say(chat.id)
    sys.stdin.read()


def finish_when_told(keep: chatkeep.Keep) -> None:
    """Begin a reply, and finish it after a line from outside."""
    chat = keep.conversations.create()
    with keep.messages.stream(chat.id) as reply:
        reply.write("slept ")
        keep._opened.flusher.flush()
        say(reply.message.id)
        sys.stdin.readline()
        reply.write("well")
    say(reply.message.status)


def recover(directory: Path) -> None:
    """Recover once, after a line from outside, and say how many streams that ended."""
    engine = SqliteEngine.open(directory)
    flusher = Flusher(engine, FilePresence(engine.directory / "locks"))
    say("ready")
    sys.stdin.readline()
    say(flusher.recover())
    flusher.close()
    engine.close()


if __name__ == "__main__":
    place, command = Path(sys.argv[1]), sys.argv[2]
    if command == "recover":
        recover(place)
    else:
        with chatkeep.open(place) as opened:
            {"write": write_for_ever, "many": open_many, "finish": finish_when_told}[command](opened)
