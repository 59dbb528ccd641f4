"""Reading JSON of any size, from anybody, in bounded memory."""

from chatkeep.formats.json_stream.arrays import array_items
from chatkeep.formats.json_stream.decoding import fingerprint, loads
from chatkeep.formats.json_stream.objects import object_members
from chatkeep.formats.json_stream.text_lines import lines, lines_at

__all__ = ["array_items", "fingerprint", "lines", "lines_at", "loads", "object_members"]
