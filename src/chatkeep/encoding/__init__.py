"""One canonical byte form and one digest per value: equal means identical."""

from chatkeep.encoding.canonical import canonical_bytes, decode_json, encode_json
from chatkeep.encoding.digest import conversation_digest, message_digest
from chatkeep.encoding.text import clean_text, clean_value, storable

__all__ = [
    "canonical_bytes",
    "clean_text",
    "clean_value",
    "conversation_digest",
    "decode_json",
    "encode_json",
    "message_digest",
    "storable",
]
