"""Which writers of streams are alive.

A stream names its writer. Another process may end the stream only while it holds proof that this writer is gone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Presence(Protocol):
    """One process's word that it is there, and its means to learn that another is not."""

    def writer_id(self) -> str:
        """The id under which this process writes streams; from the first call on it counts as alive.

        Raises:
            StoreClosedError: Closed, or inherited over ``fork``.
        """
        ...

    def claim(self, writer_id: str) -> AbstractContextManager[bool]:
        """Whether that writer is gone for ever; it cannot come back while the block lasts, or later.

        Others that ask at the same time are mostly told no, which spares double work. What is done about a writer's
        streams must bear being tried twice all the same. One's own id is never gone; one that never was a writer's is.
        """
        ...

    def sweep(self) -> None:
        """Remove what writers left behind that are gone."""
        ...

    def close(self) -> None:
        """Be gone; repeating it is harmless. Streams must have ended before, or others will end them."""
        ...
