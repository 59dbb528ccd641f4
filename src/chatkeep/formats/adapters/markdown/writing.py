"""Writing Markdown: a folder with one document per conversation, or one document."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from chatkeep.errors import BlobMissingError, DestinationExistsError, UsageError
from chatkeep.formats.adapters.markdown.document import Document
from chatkeep.formats.naming import FreeNames, cut, safe_name, split_extension
from chatkeep.formats.protocol import ExportRecord, Written
from chatkeep.formats.writing import LeftOut, copy_stream, new_file, new_folder, private_file
from chatkeep.model import Attachment, Conversation

name = "markdown"
title = "Markdown transcripts"


def write(records: Iterable[ExportRecord], destination: Path) -> Written:
    """See :class:`chatkeep.formats.protocol.FormatWriter`.

    A destination that ends in ``.md`` takes exactly one conversation, with its attachments in ``<stem>.attachments``
    beside it; any other is a folder with a document per conversation and ``attachments/``.

    Raises:
        UsageError: A ``.md`` destination for no or several conversations.
    """
    return _one(records, destination) if destination.suffix.lower() == ".md" else _folder(records, destination)


def _folder(records: Iterable[ExportRecord], destination: Path) -> Written:
    names = FreeNames()
    names.take("attachments", "", tell_apart="")
    documents: list[str] = []
    with new_folder(destination) as folder:
        output = _Output(folder / "attachments", "attachments")
        for record in records:
            documents.append(names.take(_stem(record.conversation), ".md", tell_apart=_short(record.conversation.id)))
            with private_file(folder / documents[-1]) as stream:
                stream.write(output.document(record))
    files = chain(documents, (f"attachments/{file}" for file in output.files))
    return output.written(tuple(destination / file for file in files))


def _one(records: Iterable[ExportRecord], destination: Path) -> Written:
    pending = iter(records)
    record = next(pending, None)
    if record is None or next(pending, None) is not None:
        raise UsageError(f"{destination}: a .md file holds exactly one conversation; name a folder for several")
    beside = destination.parent / f"{destination.stem}.attachments"
    if beside.exists():
        raise DestinationExistsError(beside)
    with new_file(destination) as stream:
        if record.attachments:
            with new_folder(beside) as folder:
                output = _Output(folder, beside.name)
                stream.write(output.document(record))
        else:
            output = _Output(beside, beside.name)
            stream.write(output.document(record))
    return output.written((destination, *(beside / file for file in output.files)))


def _stem(conversation: Conversation) -> str:
    day = conversation.created_at.date().isoformat()
    return cut(f"{day} {safe_name(conversation.title or '') or 'Untitled'}", 120).rstrip(" .")


def _short(id: str) -> str:
    return safe_name(id)[-8:] or "other"


class _Output:
    def __init__(self, folder: Path, link: str) -> None:
        self._folder = folder
        self._link = link
        self._names = FreeNames()
        self._by_content: dict[str, str] = {}
        self._conversations = self._messages = self._attachments = self._missing = 0
        self._left_out = LeftOut()
        self.files: list[str] = []

    def document(self, record: ExportRecord) -> bytes:
        paths: dict[str, str] = {}
        for attachment in record.attachments:
            file = self._file(attachment, record)
            if file is None:
                self._missing += 1
            else:
                self._attachments += 1
                paths[attachment.id] = f"{self._link}/{file}"
        document = Document(paths)
        text = document.text(record.conversation, record.project, list(record.messages))
        self._conversations += 1
        self._messages += document.messages
        self._left_out.add(record.conversation.id, document.left_out)
        return text.encode("utf-8", "replace")

    def _file(self, attachment: Attachment, record: ExportRecord) -> str | None:
        """Name of the file with an attachment's bytes, written once per content; None if they are missing."""
        sha256 = attachment.sha256
        if sha256 is None:
            return None
        if sha256 not in self._by_content:
            try:
                source = record.open_blob(sha256)
            except BlobMissingError:
                return None
            stem, extension = split_extension(safe_name(attachment.name))
            file = self._names.take(f"{cut(stem, 80) or 'file'}-{sha256[:8]}", extension, tell_apart=sha256[8:24])
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with source, private_file(self._folder / file) as target:
                copy_stream(source, target)
            self.files.append(file)
            self._by_content[sha256] = file
        return self._by_content[sha256]

    def written(self, files: tuple[Path, ...]) -> Written:
        return Written(
            conversations=self._conversations,
            messages=self._messages,
            attachments=self._attachments,
            missing_attachments=self._missing,
            files=files,
            left_out=self._left_out.found(),
        )
