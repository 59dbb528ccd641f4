"""An attachment: what is known of a file; its bytes lie in the blobs, addressed by their SHA-256."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatkeep.model.source import SourceKey

AttachmentKind = Literal["upload", "generated_image"]


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that messages refer to. ``sha256`` is lower-case hex; None while the bytes were never found."""

    id: str
    name: str
    media_type: str = "application/octet-stream"
    size_bytes: int = 0
    sha256: str | None = None
    kind: AttachmentKind = "upload"
    created_at: datetime
    source: SourceKey | None = None
    extra: dict[str, Any] = {}
