"""Sources of chats: one file, a zip, a directory or a SQLite database, seen alike and never written to."""

from chatkeep.formats.sources.opening import OpenedSource, open_source
from chatkeep.formats.sources.probing import SourceProbe, probe, probe_of
from chatkeep.formats.sources.zips import ZipLimits

__all__ = ["OpenedSource", "SourceProbe", "ZipLimits", "open_source", "probe", "probe_of"]
