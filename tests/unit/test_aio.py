"""The asynchronous door: as durable as the other, and the loop never waits for a disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import chatkeep.aio
from chatkeep.aio import AsyncKeep, AsyncReply
from chatkeep.errors import ConversationNotFoundError, StoreClosedError, StreamLostError, UsageError
from chatkeep.keep import Keep
from chatkeep.model import Text, Thinking, ToolCall, Usage
from chatkeep.store.changes import Change
from chatkeep.store.engine import Transaction

SOON_S = 10.0

Play = Callable[[Callable[[AsyncKeep], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs a coroutine function with an open keep, in a loop of its own that complains about slow steps."""

    def run(scene: Callable[[AsyncKeep], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with chatkeep.aio.open(tmp_path / "home") as keep:
                await scene(keep)

        asyncio.run(asyncio.wait_for(main(), 60))

    return run


class HeldWriter:
    """Keeps the store's writer at work until it is let go."""

    def __init__(self, keep: AsyncKeep) -> None:
        begun, self.go_on = threading.Event(), threading.Event()

        def work(tx: Transaction) -> None:
            begun.set()
            assert self.go_on.wait(SOON_S)

        self._held: Future[None] = keep.keep._store.engine.submit(work)
        assert begun.wait(SOON_S)

    async def let_go(self) -> None:
        self.go_on.set()
        await asyncio.wrap_future(self._held)


def test_what_is_appended_is_read_back(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create(title="Tea", tags=["drinks"])
        asked = await keep.append(chat.id, "user", "Tea?", idempotency_key="k")
        assert await keep.append(chat.id, "user", "Tea?", idempotency_key="k") == asked
        answer = await keep.append(chat.id, "assistant", "Oolong", usage=Usage(output=2))

        assert await keep.message(asked.id) == asked
        assert await keep.thread(chat.id) == [asked, answer]
        assert await keep.thread(chat.id, limit=1) == [answer]
        assert (await keep.get(chat.id)).usage == Usage(output=2)
        assert [found.id for found in (await keep.page(tag="drinks")).items] == [chat.id]
        found = await keep.search("oolong")
        assert [hit.message_id for hit in found.hits] == [answer.id]
        renamed = await keep.run(lambda k: k.conversations.rename(chat.id, "Coffee"))
        assert renamed.title == "Coffee"

    play(scene)


def test_errors_are_the_stores(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        with pytest.raises(ConversationNotFoundError):
            await keep.append("nowhere", "user", "x")
        with pytest.raises(ConversationNotFoundError):
            await keep.get("nowhere")
        with pytest.raises(ConversationNotFoundError):
            async with keep.stream("nowhere"):
                pass
        with pytest.raises(UsageError):
            keep.stream("nowhere").write("x")

    play(scene)


def test_acknowledged_tasks_are_woken_together(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wake-up of the loop for each message would cost half of the speed."""

    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        before = await keep.run(lambda k: k.changes.cursor())
        held = HeldWriter(keep)
        tasks = [asyncio.create_task(keep.append(chat.id, "user", str(number))) for number in range(100)]
        await asyncio.sleep(0)
        wakes = []
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(*arguments: Any) -> asyncio.Handle:
            wakes.append(arguments)
            return wake(*arguments)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        held.go_on.set()
        # It waits for those in front of it, and the loop stands still meanwhile.
        keep.keep.messages.append(chat.id, "user", "last")
        assert len(wakes) == 1
        messages = await asyncio.gather(*tasks)

        assert [message.text for message in messages] == [str(number) for number in range(100)]
        page = await keep.run(lambda k: k.changes.since(before))
        assert [change.id for change in page.changes][:100] == [message.id for message in messages]

    play(scene)


def test_an_append_that_is_cancelled_in_time_is_withdrawn(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        held = HeldWriter(keep)
        task = asyncio.create_task(keep.append(chat.id, "user", "never mind"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await held.let_go()
        await keep.append(chat.id, "user", "later")

        assert [message.text for message in await keep.thread(chat.id)] == ["later"]

    play(scene)


def test_a_reply_is_streamed(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        async with keep.stream(chat.id, model="m1") as reply:
            reply.think("hm")
            reply.write("用")
            reply.write("Py")
            reply.add(ToolCall(id="c", name="n"))
            assert reply.text == "用Py"
            await reply.finish(usage=Usage(output=3))

        message = await keep.message(reply.message.id)
        assert message == reply.message
        assert message.parts == (Thinking(text="hm"), Text(text="用Py"), ToolCall(id="c", name="n"))
        assert (message.status, message.usage) == ("complete", Usage(output=3))

    play(scene)


def test_leaving_the_block_ends_a_reply(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        async with keep.stream(chat.id) as whole:
            whole.write("whole")
        failed = keep.stream(chat.id)

        async def fail() -> None:
            async with failed:
                failed.write("half")
                raise LookupError("the model went away")

        with pytest.raises(LookupError):
            await fail()

        assert (await keep.message(whole.message.id)).status == "complete"
        message = await keep.message(failed.message.id)
        assert (message.status, message.text) == ("failed", "half")

    play(scene)


def test_a_cancelled_task_leaves_an_interrupted_reply(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        replies: list[AsyncReply] = []
        begun = asyncio.Event()

        async def answer() -> None:
            async with keep.stream(chat.id) as reply:
                replies.append(reply)
                reply.write("half")
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(answer())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        message = await keep.message(replies[0].message.id)
        assert (message.status, message.text) == ("interrupted", "half")

    play(scene)


def test_a_beginning_that_is_cancelled_leaves_no_stream(play: Play) -> None:
    """Whoever cancelled it has no reply to end."""

    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        held = HeldWriter(keep)
        task = asyncio.create_task(keep.stream(chat.id).__aenter__())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await held.let_go()
        await keep.append(chat.id, "user", "later")

        assert [message.text for message in await keep.thread(chat.id)] == ["later"]

    play(scene)


def test_a_lost_stream_is_told(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        reply = await keep.stream(chat.id).__aenter__()
        reply.write("secret")
        await keep.run(lambda k: k.conversations.purge(chat.id))

        with pytest.raises(StreamLostError) as lost:
            await reply.finish()
        assert lost.value.text == "secret"

    play(scene)


def test_the_loop_runs_while_the_store_is_busy(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        async with keep.stream(chat.id) as reply:
            held = HeldWriter(keep)
            append = asyncio.create_task(keep.append(chat.id, "user", "x"))
            create = asyncio.create_task(keep.create())
            reply.write("y")
            for _ in range(100):
                await asyncio.sleep(0)
            assert not append.done()
            assert not create.done()
            assert (await keep.get(chat.id)).id == chat.id
            await held.let_go()
            await asyncio.gather(append, create)

    play(scene)


def test_changes_are_followed(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        chat = await keep.create()
        async with keep.follow(timeout=SOON_S) as changes:
            writing = asyncio.gather(*(keep.append(chat.id, "user", str(number)) for number in range(30)))
            found = [await anext(changes) for _ in range(30)]
            messages = await writing

        assert [change.id for change in found] == [message.id for message in sorted(messages, key=lambda m: m.seq)]
        assert [change async for change in keep.follow(found[-3].cursor, timeout=0.1)] == found[-2:]

    play(scene)


def test_waiting_for_one_change_can_be_given_up_and_repeated(play: Play) -> None:
    async def scene(keep: AsyncKeep) -> None:
        async with keep.follow() as changes:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(changes), 0.001)
            chats = [await keep.create() for _ in range(3)]

            assert [(await anext(changes)).id for _ in chats] == [chat.id for chat in chats]

    play(scene)


def test_closing_ends_everything(tmp_path: Path) -> None:
    async def main() -> None:
        async with chatkeep.aio.open(tmp_path / "home") as keep:
            chat = await keep.create()
            changes = keep.follow()
            reply = await keep.stream(chat.id).__aenter__()
            reply.write("unfinished")
            waiting = asyncio.create_task(_all(changes))
            await asyncio.sleep(0)
        assert [change.op for change in await waiting] in ([], ["start"])
        with pytest.raises(StoreClosedError):
            await keep.get(chat.id)
        with pytest.raises(StoreClosedError):
            await keep.append(chat.id, "user", "x")
        with pytest.raises(StoreClosedError):
            await reply.finish()
        await keep.aclose()

    asyncio.run(main())

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("chatkeep")] == []
    with chatkeep.open(tmp_path / "home") as keep:
        [chat] = keep.conversations.list().items
        assert [(m.status, m.text) for m in keep.messages.thread(chat.id)] == [("interrupted", "unfinished")]


def test_closing_does_not_wait_for_a_read_that_follows(tmp_path: Path) -> None:
    """It would never end by itself, so neither would closing."""

    async def main() -> None:
        async with chatkeep.aio.open(tmp_path / "home") as keep:
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            def follow(keep: Keep) -> list[Change]:
                with keep.changes.follow() as changes:
                    loop.call_soon_threadsafe(begun.set)
                    return list(changes)

            found = asyncio.create_task(keep.run(follow))
            await begun.wait()
        assert await found == []

    asyncio.run(asyncio.wait_for(main(), SOON_S))


async def _all(changes: chatkeep.aio.AsyncChanges) -> list[Change]:
    return [change async for change in changes]
