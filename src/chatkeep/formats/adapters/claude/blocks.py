"""Content blocks of a Claude.ai message, as parts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from chatkeep.formats.adapters.claude.documents import Document, Documents
from chatkeep.formats.adapters.claude.files import Files, resource
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Citation, Part, RawPart, Text, Thinking, ToolCall, ToolResult


class Blocks:
    """Turns the blocks of one message into parts, in order."""

    def __init__(self, message_id: str, files: Files, documents: Documents) -> None:
        self.parts: list[Part] = []
        self._message_id = message_id
        self._files = files
        self._documents = documents
        self._open_calls: deque[str] = deque()
        self._titles: dict[str, str] = {}
        self._readers: dict[str, Callable[[Fields], None]] = {
            "text": self._text,
            "thinking": self._thinking,
            "tool_use": self._tool_use,
            "tool_result": self._tool_result,
            "voice_note": self._voice_note,
        }

    def add(self, block: object, problems: Problems) -> None:
        """Append what a block says; one of an unknown kind is kept as it is."""
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "token_budget":
            # How much of the model's window was left: nothing that anybody said.
            return
        if not isinstance(kind, str):
            problems.add("type", "a block without a type was kept as found")
            self.parts.append(RawPart(kind="block", data=block))
            return
        reader = self._readers.get(kind)
        if reader is None:
            self.parts.append(RawPart(kind=kind, data=block))
            return
        fields = Fields(block, problems)
        fields.ignore("type")
        reader(fields)

    def _text(self, block: Fields) -> None:
        text = block.text("text")
        citations = block.listing("citations")
        self.parts.append(Text(text=text or "", extra=block.rest()))
        for number, item in enumerate(citations, start=1):
            self._citation(Fields(item, block.problems, f"citations {number}"))

    def _citation(self, citation: Fields) -> None:
        details = citation.fields("details")
        url = details.text("url") or citation.text("url")
        title = details.text("title") or citation.text("title") or self._titles.get(url or "")
        extra = citation.rest()
        if more := details.rest():
            extra["details"] = more
        self.parts.append(Citation(url=url, title=title, extra=extra))

    def _thinking(self, block: Fields) -> None:
        text = block.text("thinking")
        listed = block.listing("summaries")
        summaries = [
            item["summary"] for item in listed if isinstance(item, dict) and isinstance(item.get("summary"), str)
        ]
        extra = block.rest()
        if len(summaries) != len(listed) or len(summaries) > 1:
            # Joined for reading below; the single ones are kept.
            extra["summaries"] = listed
        self.parts.append(Thinking(text=text or "", summary="\n".join(summaries) or None, extra=extra))

    def _voice_note(self, block: Fields) -> None:
        text = block.text("text")
        self.parts.append(Text(text=text or "", extra={"type": "voice_note", **block.rest()}))

    def _tool_use(self, block: Fields) -> None:
        call_id = block.text("id")
        if not call_id:
            call_id = f"{self._message_id}#{len(self.parts) + 1}"
        self._open_calls.append(call_id)
        tool = block.text("name") or ""
        arguments = block.raw("input")
        self.parts.append(ToolCall(id=call_id, name=tool, input=arguments, extra=block.rest()))
        self._made(call_id, tool, arguments, block.problems)

    def _made(self, call_id: str, tool: str, arguments: Any, problems: Problems) -> None:
        made = self._documents.apply(tool, arguments)
        if isinstance(made, Document):
            source_id = f"{self._message_id}/{call_id}"
            self.parts.append(self._files.add_text(source_id, made.name, made.text, made.media_type))
        elif made is False:
            problems.add("input", "changes a text that this conversation does not hold; the call is kept as it is")

    def _tool_result(self, block: Fields) -> None:
        call_id = block.text("tool_use_id")
        if call_id:
            if call_id in self._open_calls:
                self._open_calls.remove(call_id)
        else:
            # Older exports name no call: results came in the order of the calls.
            call_id = self._open_calls.popleft() if self._open_calls else ""
        name = block.text("name")
        is_error = block.boolean("is_error")
        references: list[Part] = []
        output, uuid = self._output(block.raw("content"), call_id, references)
        extra = block.rest()
        if uuid is not None:
            extra["content_uuid"] = uuid
        self.parts.append(ToolResult(call_id=call_id, output=output, name=name, is_error=bool(is_error), extra=extra))
        self.parts.extend(references)

    def _output(self, content: Any, call_id: str, references: list[Part]) -> tuple[Any, str | None]:
        """What a tool gave back: plain text when it is no more than that; files in it are added to ``references``."""
        if not isinstance(content, list):
            return content, None
        items = [self._item(item, f"{call_id}/{number}", references) for number, item in enumerate(content, start=1)]
        if len(items) == 1 and isinstance(items[0], dict) and items[0].keys() <= {"type", "text", "uuid"}:
            text, uuid = items[0].get("text"), items[0].get("uuid")
            if items[0].get("type") == "text" and isinstance(text, str) and isinstance(uuid, str | None):
                return text, uuid
        return items or None, None

    def _item(self, item: Any, place: str, references: list[Part]) -> Any:
        if not isinstance(item, dict):
            return item
        if item.get("type") == "knowledge" and isinstance(item.get("url"), str) and isinstance(item.get("title"), str):
            self._titles.setdefault(item["url"], item["title"])
        elif item.get("type") == "local_resource":
            known = self._documents.text_of(item.get("file_path"))
            references.append(resource(item, f"{self._message_id}/{place}", known, self._files))
        elif item.get("type") == "image":
            return self._image(item, place, references)
        return item

    def _image(self, item: dict[str, Any], place: str, references: list[Part]) -> Any:
        source = item.get("source")
        data = source.get("data") if isinstance(source, dict) else None
        if not isinstance(source, dict) or not isinstance(data, str):
            return item
        source_id = f"{self._message_id}/{place}"
        media_type = source.get("media_type")
        references.append(
            self._files.add_base64(source_id, "image", data, media_type if isinstance(media_type, str) else None)
        )
        # The bytes are an attachment now.
        return {**item, "source": {**source, "data": None, "attachment": source_id}}
