"""Programs that open one store at the same time, and programs of different ages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import chatkeep
from chatkeep.errors import StoreNewerError
from tests.interface.child import chatkeep_process

ROOT = Path(__file__).parents[2]
# Fifty stores of notes are opened by the tests of the engine; these are whole, with index and writers of replies.
STORES = int(os.environ.get("CHATKEEP_TEST_OPENINGS", "8"))
PROCESSES = 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_eight_first_openings_at_once_make_one_whole_store(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.faults.first_openings", str(tmp_path), str(STORES)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    for number in range(STORES):
        with chatkeep.open(tmp_path / str(number)) as keep:
            rows = keep._store.engine.read(lambda tx: tx.rows("SELECT store_id FROM store"))
            titles = sorted(str(item.title) for item in keep.conversations.list().items)
            assert len(rows) == 1
            assert titles == [str(name) for name in range(PROCESSES)]
            assert keep.check(full=False).findings == ()


def test_an_older_program_stops_cleanly_in_the_middle_of_its_work(tmp_path: Path) -> None:
    """A newer one has changed the schema meanwhile: nothing more is written, and no text is lost on the way."""
    with chatkeep.open(tmp_path) as keep:
        chat = keep.conversations.create(title="kept")
        keep.messages.append(chat.id, "user", "before")
        reply = keep.messages.stream(chat.id)
        reply.write("half a reply")
        keep._opened.flusher.flush()
        newer = apsw.Connection(str(tmp_path / "chats.db"))
        newer.execute("CREATE TABLE of_tomorrow (x TEXT) STRICT; PRAGMA user_version = 999")
        newer.close()

        with pytest.raises(StoreNewerError):
            keep.messages.append(chat.id, "user", "after")
        with pytest.raises(StoreNewerError):
            keep.conversations.purge(chat.id)
        with pytest.raises(StoreNewerError):
            keep.import_from(Path(__file__).parents[1] / "golden" / "chatgpt" / "branches" / "input.json")
        with pytest.raises(StoreNewerError):
            reply.finish()
        assert [part.text for part in reply.parts if isinstance(part, chatkeep.Text)] == ["half a reply"]
        with pytest.raises(StoreNewerError):
            keep.close()

    told = chatkeep_process("list", "--home", tmp_path)
    assert (told.code, "upgrade Chatkeep" in told.err) == (37, True)
