from __future__ import annotations

import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.errors import StoreBusyError
from chatkeep.instances import logs
from chatkeep.instances.logs import FILE_NAME, LineFormatter, LogFile

log = logging.getLogger("chatkeep.tests")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def log_file(instance: Path) -> Iterator[Path]:
    handler = logs.start(instance, level="info")
    yield instance / "logs" / FILE_NAME
    logs.stop(handler)


def test_a_record_is_one_line_with_time_level_module_and_message(log_file: Path) -> None:
    log.warning("index is %d behind", 3)

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING \d+ chatkeep\.tests index is 3 behind\n", log_file.read_text()
    )


def test_nothing_is_made_before_the_first_record(instance: Path, log_file: Path) -> None:
    log.debug("below the level")

    assert list(instance.iterdir()) == []
    assert not log_file.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
def test_the_log_is_for_its_owner_alone(log_file: Path) -> None:
    log.info("x")

    assert stat.S_IMODE(log_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(log_file.parent.stat().st_mode) == 0o700


def test_our_errors_are_told_with_code_and_text(log_file: Path) -> None:
    try:
        raise StoreBusyError("held by 42")
    except StoreBusyError:
        log.exception("import stopped")

    text = log_file.read_text()
    assert "[store.busy] import stopped StoreBusyError: held by 42 at test_logs.py:" in text
    assert text.count("\n") == 1


def test_the_text_of_other_errors_is_left_out(log_file: Path) -> None:
    """A decoder's error may quote the chat that it failed on."""
    try:
        raise ValueError("dear diary")
    except ValueError:
        log.exception("a record was skipped")

    text = log_file.read_text()
    assert "ValueError at test_logs.py:" in text
    assert "diary" not in text


def test_control_characters_and_line_breaks_are_escaped(log_file: Path) -> None:
    log.warning("file %s", "a\nb\x1b[2J\x9b1m")

    assert log_file.read_text().endswith("file a\\nb\\x1b[2J\\x9b1m\n")


@pytest.mark.parametrize("secret", ["sk-ant-0123456789abcdef", "AIzaSyA1234567890abcdefg", "Bearer abc.def"])
def test_what_looks_like_a_key_is_redacted(log_file: Path, secret: str) -> None:
    log.warning("request with %s failed", secret)

    assert log_file.read_text().endswith("request with [redacted] failed\n")


def test_a_read_only_instance_logs_nowhere_unless_told(instance: Path, tmp_path: Path) -> None:
    assert logs.start(instance, level="info", read_only=True) is None

    handler = logs.start(instance, level="info", read_only=True, log_dir=tmp_path / "elsewhere")
    log.info("x")
    logs.stop(handler)
    assert (tmp_path / "elsewhere" / FILE_NAME).exists()


def test_level_off_logs_nowhere(instance: Path) -> None:
    assert logs.start(instance, level="off") is None


def test_an_instance_that_does_not_exist_is_not_made_by_its_log(tmp_path: Path) -> None:
    handler = logs.start(tmp_path / "typo", level="info")
    log.error("x")
    logs.stop(handler)

    assert not (tmp_path / "typo").exists()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file is in the way")
    handler = logs.start(tmp_path, level="info")

    log.error("x")
    logs.stop(handler)

    assert capsys.readouterr().err == ""


def small(directory: Path, max_bytes: int = 100) -> LogFile:
    handler = LogFile(directory, max_bytes=max_bytes, files=3)
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("chatkeep", logging.INFO, "x.py", 1, text, (), None)


def test_full_files_are_rotated_and_the_oldest_goes(tmp_path: Path) -> None:
    handler = small(tmp_path)
    for number in range(12):
        handler.handle(record(f"{number:02d}" + "." * 27))
    handler.close()

    assert [sorted(p.name for p in tmp_path.iterdir())] == [[FILE_NAME, f"{FILE_NAME}.1", f"{FILE_NAME}.2"]]
    assert (tmp_path / FILE_NAME).read_text().startswith("09")
    assert (tmp_path / f"{FILE_NAME}.2").read_text().startswith("03")
    assert all(p.stat().st_size <= 100 for p in tmp_path.iterdir())


def test_a_process_follows_a_rotation_by_another(tmp_path: Path) -> None:
    one, other = small(tmp_path), small(tmp_path)
    one.handle(record("a" * 60))
    other.handle(record("b" * 60))  # rotates

    one.handle(record("c"))
    one.close()
    other.close()

    assert (tmp_path / FILE_NAME).read_text() == "b" * 60 + "\nc\n"


_WRITER = """
import logging, sys
from pathlib import Path
from chatkeep.instances.logs import LogFile
handler = LogFile(Path(sys.argv[1]), max_bytes=20_000, files=50)
handler.setFormatter(logging.Formatter("%(message)s"))
for number in range(500):
    handler.handle(logging.LogRecord("x", 20, "x", 1, f"{sys.argv[2]} {number} " + "." * 50, (), None))
"""


def test_processes_that_rotate_at_once_lose_no_line(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name]) for name in "abc"]

    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert sorted(set(lines)) == sorted(lines)
    assert len(lines) == 1500


def test_formatting_without_an_error_works_alone() -> None:
    assert LineFormatter().format(record("hello")).endswith("chatkeep hello")
