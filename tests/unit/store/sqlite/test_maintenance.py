"""Sizes, integrity, purging and checkpoints of a store in use."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.readers import MOST_READERS
from tests.faults.notes import add, count, open_notes, texts

SECRET = "correct horse battery staple"


def _bytes(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir() if path.is_file())


def test_purged_text_is_in_no_file(directory: Path) -> None:
    engine = open_notes(directory)
    engine.write(add("kept"))
    for number in range(50):
        engine.write(add(f"{number} {SECRET} " + "x" * 3_000))
    engine.write(lambda tx: tx.run("DELETE FROM note WHERE text LIKE '%horse%'"))
    assert SECRET.encode() in _bytes(directory)

    engine.purge_space()

    assert SECRET.encode() not in _bytes(directory)
    assert engine.sizes().get("chats.db-wal", 0) == 0
    assert engine.read(texts) == ["kept"]
    engine.close()


def test_purging_beside_readers_and_writers_of_this_process_succeeds(engine: SqliteEngine) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            engine.read(count)

    def write() -> None:
        for number in range(200):
            engine.write(add(f"note {number}"))

    threads = [threading.Thread(target=read), threading.Thread(target=read), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        engine.purge_space()
    threads[2].join()
    stop.set()
    for thread in threads:
        thread.join()

    assert engine.read(count) == 200
    assert engine.integrity(full=True) == []


def test_sizes_are_those_of_the_files(engine: SqliteEngine, directory: Path) -> None:
    engine.write(add("x" * 10_000))

    sizes = engine.sizes()

    assert sizes == {path.name: path.stat().st_size for path in directory.iterdir() if path.is_file()}
    assert sizes["chats.db-wal"] > 10_000


def test_integrity_names_references_that_lead_nowhere(engine: SqliteEngine) -> None:
    def work(tx: Transaction) -> None:
        tx.run("INSERT INTO shelf (id, name) VALUES (5, 'top')")
        tx.run("INSERT INTO note (text, shelf) VALUES ('a', 5)")

    engine.write(work)
    assert engine.integrity(full=True) == []

    writer = engine._store.writer  # type: ignore[union-attr]  # a writable engine has one

    def damage() -> None:
        writer.connection.execute("PRAGMA foreign_keys = OFF")
        writer.connection.execute("DELETE FROM shelf")
        writer.connection.execute("PRAGMA foreign_keys = ON")

    writer.exclusive(damage, timeout_s=30)

    assert engine.integrity() == []
    assert engine.integrity(full=True) == ["row 1 of note refers to a row of shelf that is not there"]


def test_a_new_epoch_differs_and_stays(directory: Path) -> None:
    def epoch(tx: Transaction) -> object:
        row = tx.row("SELECT epoch FROM store")
        return row and row[0]

    engine = open_notes(directory)
    before = engine.read(epoch)
    after = engine.new_epoch()
    engine.close()
    engine = open_notes(directory)

    assert before != after
    assert engine.read(epoch) == after
    engine.close()


def test_the_log_is_copied_into_the_database_beside_writers(engine: SqliteEngine, directory: Path) -> None:
    """Nobody asked for it, and no writer waited for it."""
    for number in range(400):
        engine.write(add(f"{number} " + "x" * 20_000))
    written = 400 * 2 * 20_000

    assert (directory / "chats.db").stat().st_size > written // 3
    assert engine.sizes().get("chats.db-wal", 0) < 20 * 1024 * 1024


def test_more_threads_than_connections_can_read(engine: SqliteEngine) -> None:
    engine.write(add("a"))
    together = threading.Barrier(MOST_READERS)
    answers: list[int] = []

    def read(tx: Transaction) -> int:
        if len(answers) < 1:
            together.wait(30)
        return count(tx)

    threads = [threading.Thread(target=lambda: answers.append(engine.read(read))) for _ in range(MOST_READERS)]
    late = [threading.Thread(target=lambda: answers.append(engine.read(count))) for _ in range(20)]
    for thread in threads + late:
        thread.start()
    for thread in threads + late:
        thread.join(30)

    assert answers == [1] * (MOST_READERS + 20)


def test_a_read_sees_one_state(engine: SqliteEngine) -> None:
    engine.write(add("a"))
    seen: list[int] = []

    def work(tx: Transaction) -> None:
        seen.append(count(tx))
        thread = threading.Thread(target=lambda: engine.write(add("b")))
        thread.start()
        thread.join()
        seen.append(count(tx))

    engine.read(work)

    assert seen == [1, 1]
    assert engine.read(count) == 2


@pytest.mark.parametrize("threads", [4])
def test_everything_acknowledged_is_visible_to_every_later_read(engine: SqliteEngine, threads: int) -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        for number in range(100):
            text = f"{name}-{number}"
            engine.write(add(text))
            if not engine.read(lambda tx, text=text: tx.row("SELECT 1 FROM note WHERE text = :t", {"t": text})):  # type: ignore[misc]  # a default binds the loop's text
                wrong.append(text)

    workers = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert wrong == []
