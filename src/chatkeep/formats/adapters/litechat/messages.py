"""The two messages of an interaction: what was asked, and what came back."""

from __future__ import annotations

import json
from typing import Any

from chatkeep.formats.protocol import SourceAttachment, SourceMessage
from chatkeep.formats.values import Fields
from chatkeep.model import Code, Part, RawPart, Role, Status, Text, Thinking, Usage

from .arranging import Placed
from .attached import file_of, reference, with_pictures
from .secrets import without_secrets
from .tool_parts import tool_parts
from .turns import REGULAR, Turn

_ROLES: dict[str, Role] = {"system.info": "system", "system.error": "error"}
_STATUS: dict[str, Status] = {"COMPLETED": "complete", "WARNING": "complete", "ERROR": "failed"}
# What a status of ours says all of.
_PLAIN_STATUS = frozenset({"COMPLETED", "ERROR", "CANCELLED"})


class Messages:
    """Makes the messages of one conversation, and collects the files that they carry."""

    def __init__(self) -> None:
        self.attachments: dict[str, SourceAttachment] = {}

    def make(self, placed: Placed) -> SourceMessage:
        """The message at one place."""
        return self._answer(placed) if placed.is_answer else self._question(placed)

    def _question(self, placed: Placed) -> SourceMessage:
        turn = placed.turn
        parts: list[Part] = [Text(text=turn.question)] if turn.question else []
        for number, value in enumerate(turn.files):
            own_id = value.get("id") if isinstance(value, dict) else None
            source_id = own_id if isinstance(own_id, str) and own_id else f"{turn.id}:file-{number}"
            file = file_of(value, source_id, turn.problems.at(f"prompt attachedFiles {number}"))
            parts.append(reference(self.attachments.setdefault(source_id, file)))
        extra = _prompt_extra(turn)
        if not turn.has_answer:
            extra |= _turn_extra(turn)
        return SourceMessage(
            source_id=turn.question_id,
            parent_id=placed.parent_id,
            role="user",
            parts=tuple(parts),
            created_at=turn.started_at,
            hidden=placed.hidden,
            extra=extra,
        )

    def _answer(self, placed: Placed) -> SourceMessage:
        turn = placed.turn
        usage, extra = _usage(turn.metadata)
        model_id = turn.metadata.text("modelId") or turn.prompt_metadata.text("modelId") or ""
        # The first part names a provider configuration of this installation. What kind of provider that is, only a
        # full export tells: it would come and go with the kind of export.
        provider_config, _, model = model_id.partition(":")
        if model_id:
            extra["modelId"] = model_id
            if turn.prompt_hints.get("modelId") == model_id:
                turn.prompt_metadata.ignore("modelId")
        provider = turn.metadata.text("providerId")
        pictures: list[SourceAttachment] = []
        parts = [*_thinking(turn), *tool_parts(turn), *_response(turn, pictures)]
        self.attachments |= {picture.source_id: picture for picture in pictures}
        if placed.shares_question or not turn.has_question:
            extra |= _prompt_extra(turn)
        rating = turn.fields.integer("rating")
        role = _ROLES.get(turn.type, "assistant")
        return SourceMessage(
            source_id=turn.id,
            parent_id=placed.parent_id,
            role=role,
            parts=tuple(parts),
            created_at=turn.started_at,
            completed_at=turn.ended_at,
            # Notes of the app name the model that was chosen, not one that spoke.
            model=(model or provider_config or None) if role == "assistant" else None,
            provider=provider if role == "assistant" else None,
            status=_STATUS.get(turn.status, "interrupted"),
            hidden=placed.hidden,
            reply_set=placed.reply_set,
            reply_index=placed.reply_index,
            selected=placed.selected,
            rating=rating,
            usage=usage,
            extra={**extra, **_turn_extra(turn)},
        )


def _thinking(turn: Turn) -> list[Part]:
    return [Thinking(text=turn.reasoning)] if turn.reasoning else []


def _response(turn: Turn, pictures: list[SourceAttachment]) -> list[Part]:
    if turn.response is None or turn.response == "":
        return []
    if isinstance(turn.response, str):
        return list(with_pictures(turn.response, turn.id, pictures))
    try:
        shown = json.dumps(turn.response, ensure_ascii=False, indent=2)
    except (RecursionError, ValueError):
        return [RawPart(kind="response", data=turn.response)]
    return [Code(text=shown, language="json", extra={"response": turn.response})]


def _usage(metadata: Fields) -> tuple[Usage | None, dict[str, Any]]:
    counts: list[int | None] = []
    extra: dict[str, Any] = {}
    for names in (("promptTokens", "inputTokens"), ("completionTokens", "outputTokens"), ("totalTokens",)):
        found = [(name, metadata.integer(name)) for name in names]
        given = [(name, count) for name, count in found if count is not None]
        extra |= {name: count for name, count in given[1:] if count != given[0][1]}
        count = given[0][1] if given else None
        if count is not None and count < 0:
            metadata.problems.add(given[0][0], "a negative number of tokens")
            extra[given[0][0]] = count
            count = None
        counts.append(count)
    asked, answered, total = counts
    if asked is None and answered is None:
        return None, extra if total is None else {**extra, "totalTokens": total}
    usage = Usage(input=asked or 0, output=answered or 0)
    if total not in (None, usage.total):
        extra["totalTokens"] = total
    return usage, extra


def _prompt_extra(turn: Turn) -> dict[str, Any]:
    """What of a prompt is no text and no file."""
    prompt = turn.prompt.rest()
    if prompt.get("id") == turn.id:
        del prompt["id"]
    metadata = without_secrets(turn.prompt_metadata.rest())
    if metadata:
        prompt["metadata"] = metadata
    return {"prompt": prompt} if prompt else {}


def _turn_extra(turn: Turn) -> dict[str, Any]:
    """What of an interaction has no field; its files are told by its prompt."""
    if turn.hints.get("attachedFiles") == [_without_content(file) for file in turn.files]:
        turn.metadata.ignore("attachedFiles")
    extra: dict[str, Any] = {"index": turn.index, "parentId": turn.parent_id}
    if turn.type != REGULAR:
        extra["type"] = turn.type
    if turn.status not in _PLAIN_STATUS:
        extra["status"] = turn.status
    if turn.response == "":
        extra["response"] = ""
    if "rating" in turn.value and turn.value["rating"] is None:
        # Rated once and taken back: not the same as never rated.
        extra["rating"] = None
    metadata = without_secrets(turn.metadata.rest())
    if metadata:
        extra["metadata"] = metadata
    kept = {key: value for key, value in extra.items() if value is not None or key == "rating"}
    return {**turn.fields.rest(), **kept}


def _without_content(file: Any) -> Any:
    if not isinstance(file, dict):
        return file
    return {key: value for key, value in file.items() if key not in ("contentText", "contentBase64")}
