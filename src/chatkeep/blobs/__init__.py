"""Attachment bytes, addressed by the SHA-256 of their content."""

from chatkeep.blobs.directory import DirectoryBlobs
from chatkeep.blobs.protocol import Blobs

__all__ = ["Blobs", "DirectoryBlobs"]
