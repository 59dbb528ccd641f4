"""Stand-ins: pieces of a session (such as its prompts) that are kept only as long as the session itself is missing."""

from __future__ import annotations

from typing import Final

from chatkeep.encoding import decode_json, encode_json
from chatkeep.model import Conversation
from chatkeep.store.engine import Transaction
from chatkeep.store.purging import delete_rows

MARK: Final = "stand_in"
"""In ``extra["chatkeep"]`` of a conversation that is one."""

_COLUMNS = "SELECT id, extra, overrides, trashed_at FROM conversation WHERE owner = :owner AND source_format = :format"


def session_is_known(tx: Transaction, owner: str, stand_in: Conversation) -> bool:
    """Whether the store has the session itself, so that its stand-in is not needed.

    A session that went on under a new id names its former ids in ``extra``; that is searched as text, as stand-ins are
    few.
    """
    if stand_in.source is None or not stand_in.session_id:
        return False
    rows = tx.rows(
        f"{_COLUMNS} AND (session_id = :session OR instr(extra, :quoted) > 0)",
        {
            "owner": owner,
            "format": stand_in.source.format,
            "session": stand_in.session_id,
            "quoted": encode_json(stand_in.session_id),
        },
    )
    return any(not _is_stand_in(row[1]) for row in rows)


def replace_stand_in(tx: Transaction, owner: str, arrived: Conversation) -> None:
    """Delete the stand-ins of a session that has arrived, unless somebody made something of them."""
    if arrived.source is None or not arrived.session_id:
        return
    format = arrived.source.format
    for session in {arrived.session_id, *_former_sessions(arrived.extra.get(format))}:
        key = {"owner": owner, "format": format, "session": session}
        for id, extra, overrides, trashed_at in tx.rows(f"{_COLUMNS} AND session_id = :session", key):
            if _is_stand_in(extra) and overrides == "[]" and trashed_at is None:
                delete_rows(tx, owner, id)


def _former_sessions(extra: object) -> list[str]:
    """What the source's own notes say, which may be anything in a file that somebody made up."""
    former = extra.get("sessionIds") if isinstance(extra, dict) else None
    return [id for id in former if isinstance(id, str)] if isinstance(former, list) else []


def _is_stand_in(extra: str) -> bool:
    ours = decode_json(extra).get("chatkeep")
    return isinstance(ours, dict) and bool(ours.get(MARK))
