"""DESIGN, "never around SQLite": closing any descriptor of a live database drops its POSIX locks.

So no code of ours opens a ``.db``, ``-wal`` or ``-shm`` file but through the engine, nothing imports ``sqlite3`` (a
second SQLite in the process, with locks of its own), and in the rooms that handle live stores every module that opens
any file at all is listed here with what it opens.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.style.tree import PACKAGE, REPO, parsed

# Modules that may import sqlite3, with the reason.
SQLITE3_ALLOWED: dict[str, str] = {}

# Modules of the guarded rooms that may open files, with which ones. Never a live database.
OPENING_ALLOWED: dict[str, str] = {
    "src/chatkeep/services/checking.py": "bytes of attachments, through the blobs",
    "src/chatkeep/services/examining_store.py": "what the kernel says about mounts, in /proc",
    "src/chatkeep/services/preparing.py": "a source's files, and bytes of attachments through the blobs",
    "src/chatkeep/store/attachments.py": "bytes of attachments, through the blobs",
    "src/chatkeep/store/sqlite/live_store.py": "makes the database's empty file, if there is none; syncs its directory",
    "src/chatkeep/store/sqlite/lock_holders.py": "what the kernel says about locks, in /proc",
    "src/chatkeep/store/sqlite/locks.py": "the lock files of a store",
    "src/chatkeep/store/sqlite/read_only.py": "a private copy in a directory of its own",
    "src/chatkeep/store/sqlite/schema.py": "the migrations, which are part of the package",
}

GUARDED_ROOMS = ("src/chatkeep/store", "src/chatkeep/services")

_LIVE_ENDINGS = (".db", "-wal", "-shm", "-journal")
_OPENING_ATTRIBUTES = {"open", "read_bytes", "read_text", "write_bytes", "write_text", "fdopen", "mmap"}
_SHUTIL_CALLS = {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move"}


def sqlite3_imports(name: str, tree: ast.Module) -> list[str]:
    """A complaint for each import of ``sqlite3`` or of something in it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        found += [f"{name}:{node.lineno}: imports {module}" for module in modules if module.split(".")[0] == "sqlite3"]
    return found


def _is_opening(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="open"):
            return True
        case ast.Attribute(value=ast.Name(id="shutil"), attr=attr):
            return attr in _SHUTIL_CALLS
        case ast.Attribute(attr=attr):
            return attr in _OPENING_ATTRIBUTES
    return False


def opening_calls(name: str, tree: ast.Module) -> list[str]:
    """A complaint for each call that opens, reads, writes or copies a file."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_opening(node)]
    return [f"{name}:{call.lineno}: {ast.unparse(call.func)}(...)" for call in calls]


def live_file_openings(name: str, tree: ast.Module) -> list[str]:
    """A complaint for each opening call whose own expression names a database file."""
    found = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _is_opening(call):
            texts = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            found += [f"{name}:{call.lineno}: opens *{text}" for text in texts if text.endswith(_LIVE_ENDINGS)]
    return found


def test_nothing_imports_sqlite3() -> None:
    found = {name: sqlite3_imports(name, tree) for name, tree in parsed(("src/chatkeep",))}

    assert [line for name, lines in found.items() if name not in SQLITE3_ALLOWED for line in lines] == []


def test_modules_near_live_stores_open_only_what_is_listed() -> None:
    found = {name: opening_calls(name, tree) for name, tree in parsed(GUARDED_ROOMS)}
    unlisted = [line for name, lines in found.items() if name not in OPENING_ALLOWED for line in lines]

    assert unlisted == [], "list the module in OPENING_ALLOWED with what it opens, if that is never a live database"


def test_nothing_opens_a_file_named_like_a_database() -> None:
    found = [line for name, tree in parsed(("src/chatkeep",)) for line in live_file_openings(name, tree)]

    assert found == []


@pytest.mark.parametrize("allowed", [SQLITE3_ALLOWED, OPENING_ALLOWED])
def test_allowances_are_still_needed_and_have_reasons(allowed: dict[str, str]) -> None:
    check = sqlite3_imports if allowed is SQLITE3_ALLOWED else opening_calls
    for name, reason in allowed.items():
        tree = ast.parse((REPO / name).read_text("utf-8"))
        assert check(name, tree), f"{name} needs its allowance no more"
        assert len(reason.split()) >= 3, f"{name}: say what it opens and why that is safe"


def test_the_guarded_rooms_exist() -> None:
    """A renamed room must not leave the guard with nothing to look at."""
    assert [room for room in GUARDED_ROOMS if not any(Path(REPO / room).rglob("*.py"))] == []
    assert PACKAGE.is_dir()


@pytest.mark.parametrize("line", ["import sqlite3", "import sqlite3.dbapi2 as db", "from sqlite3 import connect"])
def test_sqlite3_imports_are_found(line: str) -> None:
    assert len(sqlite3_imports("a.py", ast.parse(f"def later():\n    {line}\n"))) == 1


@pytest.mark.parametrize(
    "call",
    [
        "open(path)",
        "os.open(path, os.O_RDONLY)",
        "io.open(path)",
        "path.open('rb')",
        "path.read_bytes()",
        "(home / 'x').write_text('')",
        "os.fdopen(3)",
        "mmap.mmap(3, 0)",
        "shutil.copyfile(path, other)",
    ],
)
def test_opening_calls_are_found(call: str) -> None:
    assert len(opening_calls("a.py", ast.parse(call))) == 1


@pytest.mark.parametrize("call", ["path.stat()", "copy(value)", "text.replace('a', 'b')", "reopen()"])
def test_calls_that_open_nothing_pass(call: str) -> None:
    assert opening_calls("a.py", ast.parse(call)) == []


@pytest.mark.parametrize(
    "call", ["open(home / 'chats.db')", "Path(f'{path}-wal').read_bytes()", "os.open(str(path) + '-shm', 0)"]
)
def test_opening_a_live_file_by_name_is_found(call: str) -> None:
    assert len(live_file_openings("a.py", ast.parse(call))) == 1
