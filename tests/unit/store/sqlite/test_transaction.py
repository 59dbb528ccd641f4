"""What a transaction answers, and that it is of no use after its call."""

from __future__ import annotations

import pytest

from chatkeep.errors import ConstraintError, StoreClosedError, StoreError, UsageError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from tests.faults.notes import add, count, texts


def test_rows_come_as_lists_and_one_row_or_none(engine: SqliteEngine) -> None:
    engine.write(add("a"))
    engine.write(add("b"))

    def work(tx: Transaction) -> None:
        assert tx.rows("SELECT text FROM note ORDER BY id") == [("a",), ("b",)]
        assert tx.row("SELECT text FROM note ORDER BY id") == ("a",)
        assert tx.row("SELECT text FROM note WHERE text = :text", {"text": "c"}) is None
        assert tx.rows("SELECT text FROM note WHERE text = :text", {"text": "c"}) == []

    engine.read(work)


def test_run_counts_what_it_changed(engine: SqliteEngine) -> None:
    def work(tx: Transaction) -> None:
        assert tx.run("INSERT INTO note (text) VALUES (:text)", {"text": "a"}) == 1
        tx.many("INSERT INTO note (text) VALUES (:text)", [{"text": "b"}, {"text": "c"}])
        assert tx.run("UPDATE note SET shelf = NULL") == 3
        assert tx.run("CREATE TABLE other (id)") == 0
        assert tx.run("DELETE FROM note WHERE text = 'z'") == 0
        assert tx.run("DELETE FROM note") == 3

    engine.write(work)


def test_values_of_every_kind_go_in_and_come_out(engine: SqliteEngine) -> None:
    values = {"none": None, "yes": True, "int": -(2**63), "float": 0.5, "text": "ü𝄞\n", "bytes": b"\x00\xff"}

    row = engine.read(lambda tx: tx.row("SELECT :none, :yes, :int, :float, :text, :bytes", values))

    assert row == (None, 1, -(2**63), 0.5, "ü𝄞\n", b"\x00\xff")


def test_a_transaction_that_was_kept_is_refused(engine: SqliteEngine) -> None:
    kept: list[Transaction] = []
    engine.write(kept.append)
    engine.read(kept.append)

    for tx in kept:
        for call in (tx.rows, tx.row, tx.run, lambda sql, tx=tx: tx.many(sql, [{}])):
            with pytest.raises(StoreClosedError, match="after its end"):
                call("SELECT 1")


def test_nested_work_undoes_itself_alone(engine: SqliteEngine) -> None:
    def outer(tx: Transaction) -> None:
        add("outer")(tx)
        with pytest.raises(ConstraintError):
            tx.nested(lambda inner: (add("inner")(inner), add("outer")(inner)))
        tx.nested(add("kept"))

    engine.write(outer)

    assert engine.read(texts) == ["outer", "kept"]


def test_errors_of_the_driver_do_not_leave(engine: SqliteEngine) -> None:
    with pytest.raises(StoreError, match="no such table"):
        engine.read(lambda tx: tx.rows("SELECT * FROM missing"))
    with pytest.raises(StoreError, match="syntax error"):
        engine.write(lambda tx: tx.run("NONSENSE"))

    assert engine.read(count) == 0


@pytest.mark.parametrize("value", ["half \ud83c", 2**63, -(2**63) - 1, object()])
def test_what_no_column_can_hold_is_a_misuse(engine: SqliteEngine, value: object) -> None:
    """An id from a command line, or a number from a hostile file, is no reason for an error of the driver's."""

    def work(tx: Transaction) -> None:
        key = {"text": value}
        for misuse in (tx.rows, tx.row, tx.run):
            with pytest.raises(UsageError):
                misuse("SELECT * FROM note WHERE text = :text", key)
        with pytest.raises(UsageError):
            tx.many("INSERT INTO note (text) VALUES (:text)", [{"text": "a"}, key])
        tx.run("INSERT INTO note (text) VALUES ('after')")

    engine.write(work)

    assert "after" in engine.read(texts)
