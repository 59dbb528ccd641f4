"""The log of an instance: a rotating file that never holds what was said in a chat, nor a secret.

Faces start it; the library itself only calls :mod:`logging`. Many processes may write one file: each record is one
appended line, and rotation is settled by a lock on the file itself, so that a race costs nothing but a late rotation.
"""

from __future__ import annotations

import logging
import os
import re
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from chatkeep.errors import ChatkeepError, InstanceError
from chatkeep.instances.layout import Layout, make_private_directory, open_private
from chatkeep.settings import LogLevel

FILE_NAME = "chatkeep.log"
MAX_BYTES = 10_000_000
FILES = 5

# Defence in depth: no call of ours logs a key, but a library's message might.
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|ghp|gho|xox[abp]|hf|AIza|AGE-SECRET-KEY)[-_][A-Za-z0-9_\-]{8,}"
    r"|\bAIza[A-Za-z0-9_\-]{16,}"
    r"|(?i:\bbearer\s+[^\s\"',]+)"
)
# One record is one line, and reading a log in a terminal runs nothing.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MAX_LINE_BYTES = 16_384


def start(directory: Path, *, level: LogLevel, log_dir: Path | None = None, read_only: bool = False) -> LogFile | None:
    """Send the records of ``chatkeep`` and below to the instance's log file, until :func:`stop`.

    Nothing is made before the first record. Returns None, and logs nowhere, when ``level`` is ``off``, or when the
    instance is read-only and ``log_dir`` names no other place.
    """
    if level == "off" or (read_only and log_dir is None):
        return None
    handler = LogFile(log_dir or Layout(directory).logs, may_make_parent=log_dir is not None)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("chatkeep")
    logger.setLevel(level.upper())
    logger.addHandler(handler)
    return handler


def stop(handler: LogFile | None) -> None:
    """Undo :func:`start`; None is allowed."""
    if handler is not None:
        logging.getLogger("chatkeep").removeHandler(handler)
        handler.close()


class LineFormatter(logging.Formatter):
    """Time (UTC), level, process, module, error code if any, and the message, on one line.

    Of an exception that is not ours only its type and frames are told: its text may quote a chat.
    """

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        error = record.exc_info[1] if record.exc_info else None
        code = getattr(record, "code", None) or getattr(error, "code", None)
        words = [f"{moment}.{int(record.msecs):03d}Z", record.levelname, str(record.process), record.name]
        words += [f"[{code}]"] if isinstance(code, str) else []
        words.append(record.getMessage())
        if error is not None:
            words.append(_told(error, record.exc_info[2] if record.exc_info else None))
        return _SECRET.sub("[redacted]", _CONTROL.sub(_escaped, " ".join(words)))


def _told(error: BaseException, trace: TracebackType | None) -> str:
    text = f": {error}" if isinstance(error, ChatkeepError) else ""
    frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
    return f"{type(error).__name__}{text} at {' > '.join(frames) or 'an unknown place'}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


class LogFile(logging.Handler):
    """Appends lines to ``chatkeep.log`` in a directory; at most ``FILES`` files of ``MAX_BYTES`` each remain.

    A log that cannot be written is given up silently: it must not stop the work that it tells of.
    """

    def __init__(
        self, directory: Path, *, may_make_parent: bool = True, max_bytes: int = MAX_BYTES, files: int = FILES
    ) -> None:
        super().__init__()
        self.path = directory / FILE_NAME
        self._may_make_parent = may_make_parent
        self._max_bytes = max_bytes
        self._files = files
        self._stream: BinaryIO | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace")[:_MAX_LINE_BYTES] + b"\n"
            stream = self._current()
            if os.fstat(stream.fileno()).st_size + len(line) > self._max_bytes:
                stream = self._rotated(stream)
            stream.write(line)
        except (OSError, InstanceError, ValueError, TypeError):
            # ValueError, TypeError: a call whose arguments do not fit its text.
            self._let_go()

    def close(self) -> None:
        self.acquire()
        try:
            self._let_go()
        finally:
            self.release()
        super().close()

    def _let_go(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _current(self) -> BinaryIO:
        if self._stream is not None and not self._is_current(self._stream):
            self._let_go()
        if self._stream is None:
            directory = self.path.parent
            if not self._may_make_parent and not directory.parent.is_dir():
                raise InstanceError(f"{directory.parent} does not exist")
            make_private_directory(directory)
            self._stream = open_private(self.path, append=True)
        return self._stream

    def _is_current(self, stream: BinaryIO) -> bool:
        """Whether the path still names the open file: another process may have rotated it away."""
        try:
            there, ours = self.path.stat(), os.fstat(stream.fileno())
        except FileNotFoundError:
            return False
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)

    def _rotated(self, stream: BinaryIO) -> BinaryIO:
        if not _locked(stream):
            return stream  # another process is rotating: this line still belongs to the old file
        if self._is_current(stream):
            if os.name != "posix":
                self._let_go()  # Windows renames no open file
            try:
                self._shift()
            except OSError:
                return self._current()  # somebody holds an old file open: go on in this one
        self._let_go()  # lets the lock go, too
        return self._current()

    def _shift(self) -> None:
        names = [self.path, *(self.path.with_name(f"{FILE_NAME}.{number}") for number in range(1, self._files))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)


def _locked(stream: BinaryIO) -> bool:
    if os.name != "posix":
        return True
    import fcntl

    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
