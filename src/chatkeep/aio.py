"""Chatkeep in asyncio programs: a door of a dozen calls, not a twin.

Writes are futures of the store's one writer, so hundreds of tasks share its commits. Reads run on a few threads.
Everything else of a :class:`~chatkeep.keep.Keep` is reached through :meth:`AsyncKeep.run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from chatkeep.errors import StoreClosedError, StoreError, UsageError
from chatkeep.keep import Keep, open_keep
from chatkeep.model import Conversation, ConversationSummary, Message, Page, Part, Role, Usage
from chatkeep.store.appending import Content
from chatkeep.store.changes import Change
from chatkeep.store.following import Following
from chatkeep.store.replies import EndStatus, Reply, end_status
from chatkeep.store.search import SearchResult

T = TypeVar("T")

READ_THREADS: Final = 4


class _Bridge:
    """Brings results of the writer thread into the loop, waking it once for all that one commit acknowledged."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._is_waking = False

    def wait_for(self, source: Future[T]) -> asyncio.Future[T]:
        """What :func:`asyncio.wrap_future` gives; cancelling it withdraws the source if that has not begun."""
        result: asyncio.Future[T] = self._loop.create_future()

        def on_result(done: asyncio.Future[T]) -> None:
            if done.cancelled():
                source.cancel()

        result.add_done_callback(on_result)
        source.add_done_callback(lambda done: self._note(result, done))
        return result

    def _note(self, result: asyncio.Future[T], done: Future[T]) -> None:
        self._done.append((result, done))
        if not self._is_waking:
            self._is_waking = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        self._is_waking = False
        while self._done:
            result, done = self._done.popleft()
            if result.done():
                continue
            if done.cancelled():
                result.cancel()
            elif (error := done.exception()) is not None:
                result.set_exception(error)
            else:
                result.set_result(done.result())


class AsyncReply:
    """A reply while it is streamed: ``async with keep.stream(...) as reply``, from one task. See :class:`Reply`.

    :meth:`write`, :meth:`think` and :meth:`add` are plain calls: they only note what comes, and never wait.
    """

    def __init__(self, bridge: _Bridge, begin: Callable[[], Future[Reply]]) -> None:
        """Made by :meth:`AsyncKeep.stream`; ``begin`` is called on entering."""
        self._bridge = bridge
        self._begin = begin
        self._reply: Reply | None = None

    @property
    def reply(self) -> Reply:
        """The reply underneath."""
        if self._reply is None:
            raise UsageError("the reply has not begun: enter it with `async with`")
        return self._reply

    @property
    def message(self) -> Message:
        """See :attr:`Reply.message`."""
        return self.reply.message

    @property
    def text(self) -> str:
        """See :attr:`Reply.text`."""
        return self.reply.text

    def write(self, delta: str) -> None:
        """See :meth:`Reply.write`."""
        self.reply.write(delta)

    def think(self, delta: str) -> None:
        """See :meth:`Reply.think`."""
        self.reply.think(delta)

    def add(self, part: Part) -> None:
        """See :meth:`Reply.add`."""
        self.reply.add(part)

    async def finish(
        self,
        *,
        usage: Usage | None = None,
        cost_nanos: int | None = None,
        status: EndStatus = "complete",
        **fields: Any,
    ) -> Message:
        """See :meth:`Reply.finish`. Cancelling it does not take the end back."""
        future = self.reply.submit_finish(usage=usage, cost_nanos=cost_nanos, status=status, **fields)
        return await asyncio.shield(self._bridge.wait_for(future))

    async def __aenter__(self) -> Self:
        self._reply = await self._bridge.wait_for(self._begin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        elif self.reply.is_open:
            try:
                await self.finish(status=end_status(error))
            except StoreError:
                # The exception that goes on matters more; the flusher tries again.
                self.reply.end_later(end_status(error))


class AsyncChanges:
    """Changes as they come. It begins on entering ``async with``, or else with the first step of ``async for``."""

    def __init__(self, keep: AsyncKeep, cursor: str | None, timeout_s: float | None) -> None:
        """Made by :meth:`AsyncKeep.follow`."""
        self._keep = keep
        self._cursor = cursor
        self._timeout_s = timeout_s
        self._ready = asyncio.Event()
        self._given: list[Change] = []
        self._following: Following | None = None
        self._step: asyncio.Task[None] | None = None
        self._is_closed = False

    async def _do(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # A step outlives a cancelled `anext`, e.g. one under `wait_for`, so that the next one finds what it took.
        if self._step is None:
            self._step = asyncio.create_task(step())
        await asyncio.wait([self._step])
        done, self._step = self._step, None
        done.result()

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()

        def on_ready() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._ready.set)

        def begin(keep: Keep) -> None:
            # Noted on the thread: were the task cancelled now, it could still be closed.
            self._following = keep.changes.follow(self._cursor, on_ready=on_ready)
            if self._is_closed:
                self._following.close()

        await self._keep.run(begin)

    async def _take(self) -> None:
        following = self._following
        assert following is not None, "it has begun"
        taken = await self._keep.run(lambda _: following.take())
        self._given = taken[::-1]  # so that taking the next one is cheap

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while not self._given:
            self._ready.clear()
            if self._is_closed or (self._following is not None and self._following.is_closed):
                raise StopAsyncIteration
            if not await self._go_on():
                raise StopAsyncIteration
        return self._given.pop()

    async def _go_on(self) -> bool:
        try:
            if self._step is not None or self._following is None:
                await self._do(self._begin)
            elif self._following.is_ready:
                await self._do(self._take)
            else:
                return await self._wait()
        except StoreClosedError:
            if not self._is_closed:
                raise
        return True

    async def _wait(self) -> bool:
        try:
            await asyncio.wait_for(self._ready.wait(), self._timeout_s)
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """End it; repeatable."""
        self.close()

    def close(self) -> None:
        """:meth:`aclose`, from any thread."""
        self._is_closed = True
        if self._following is not None:
            self._following.close()

    async def __aenter__(self) -> Self:
        await self._do(self._begin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncKeep:
    """A store, opened, for the tasks of one event loop. Made by :func:`open`; closes itself after ``async with``."""

    def __init__(self, keep: Keep, *, read_threads: int = READ_THREADS) -> None:
        """Takes the keep over: it is closed with this one. To be called in the loop."""
        self.keep = keep
        self._bridge = _Bridge()
        self._reads = ThreadPoolExecutor(read_threads, thread_name_prefix="chatkeep-read")
        self._following: weakref.WeakSet[AsyncChanges] = weakref.WeakSet()
        self._is_closed = False

    # --- writing -----------------------------------------------------------------------------------------------------

    async def append(
        self,
        conversation_id: str,
        role: Role,
        content: Content = (),
        *,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Message:
        """See :meth:`Messages.append <chatkeep.store.messages.Messages.append>`; when it returns, it is durable.

        If it is cancelled, the message is written whole or not at all; with an ``idempotency_key`` a second call finds
        out and puts it right.
        """
        return await self._bridge.wait_for(
            self.keep.messages.submit(
                conversation_id, role, content, parent_id=parent_id, idempotency_key=idempotency_key, **fields
            )
        )

    def stream(
        self,
        conversation_id: str,
        role: Role = "assistant",
        *,
        model: str | None = None,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> AsyncReply:
        """A reply that is written piece by piece, begun on entering ``async with``; see :class:`Streams`."""
        return AsyncReply(
            self._bridge,
            lambda: self.keep.messages.submit_stream(
                conversation_id,
                role,
                model=model,
                parent_id=parent_id,
                idempotency_key=idempotency_key,
                **fields,
            ),
        )

    async def create(self, *, title: str | None = None, **fields: Any) -> Conversation:
        """See :meth:`Conversations.create <chatkeep.store.conversations.Conversations.create>`."""
        return await self.run(lambda keep: keep.conversations.create(title=title, **fields))

    # --- reading -----------------------------------------------------------------------------------------------------

    async def get(self, conversation_id: str) -> Conversation:
        """One conversation. Raises ConversationNotFoundError."""
        return await self.run(lambda keep: keep.conversations.get(conversation_id))

    async def message(self, id: str) -> Message:
        """One message. Raises MessageNotFoundError."""
        return await self.run(lambda keep: keep.messages.get(id))

    async def thread(self, conversation_id: str, *, limit: int | None = None) -> list[Message]:
        """What a reader sees, oldest first; see :meth:`Messages.thread <chatkeep.store.messages.Messages.thread>`."""
        return await self.run(lambda keep: keep.messages.thread(conversation_id, limit=limit))

    async def page(self, **options: Any) -> Page[ConversationSummary]:
        """A page of conversations; ``options`` as in ``keep.conversations.list``."""
        return await self.run(lambda keep: keep.conversations.list(**options))

    async def search(self, query: str, **options: Any) -> SearchResult:
        """See :meth:`Keep.search`."""
        return await self.run(lambda keep: keep.search(query, **options))

    def follow(self, cursor: str | None = None, *, timeout: float | None = None) -> AsyncChanges:
        """See :meth:`Changes.follow <chatkeep.store.changes.Changes.follow>`."""
        changes = AsyncChanges(self, cursor, timeout)
        self._following.add(changes)
        return changes

    # --- everything else ---------------------------------------------------------------------------------------------

    async def run(self, call: Callable[[Keep], T]) -> T:
        """Run anything of the keep on a thread: ``await keep.run(lambda k: k.conversations.rename(id, "New"))``.

        If it is cancelled after it has begun, it runs to its end unseen.
        """
        if self._is_closed:
            raise StoreClosedError(f"{self.keep.directory}: the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._reads, call, self.keep)

    async def aclose(self) -> None:
        """Wait for what is being read, end streams and followers, close the keep. Repeatable."""
        self._is_closed = True
        for changes in list(self._following):
            changes.close()
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._close))

    def _close(self) -> None:
        # A read may be following changes, which has no end of its own.
        self.keep.stop_following()
        self._reads.shutdown()
        self.keep.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


@contextlib.asynccontextmanager
async def open(
    where: str | Path | None = None, *, owner: str = "local", read_only: bool = False, durability: str = "full"
) -> AsyncIterator[AsyncKeep]:
    """Open a store for the running loop: ``async with chatkeep.aio.open("myapp") as keep``.

    See :func:`chatkeep.open`.
    """
    opening = asyncio.get_running_loop().run_in_executor(
        None, lambda: open_keep(where, owner=owner, read_only=read_only, durability=durability)
    )
    try:
        opened = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise
    async with AsyncKeep(opened) as keep:
        yield keep


def _close_unwanted(opening: asyncio.Future[Keep]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
