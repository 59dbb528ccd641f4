"""From interactions to a tree: the main line, older versions, parallel answers, explanations, helpers.

The app keeps a main line by index and hangs everything else under it. A regenerated answer takes its predecessor's
place, and the predecessor becomes its child: here both follow the same question.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chatkeep.formats.values import Problems

from .turns import Turn

_ANSWERS = frozenset({"message.user_assistant", "message.assistant_regen", "message.user_edit"})


class Placed(NamedTuple):
    """One message of a turn, and what it follows."""

    turn: Turn
    parent_id: str | None
    reply_set: str | None = None
    reply_index: int = 0
    selected: bool = True
    is_answer: bool = False
    hidden: bool = False
    shares_question: bool = False
    """Whether the question that it answers is another turn's, so that its own has no message."""


class Arranged(NamedTuple):
    """All messages, parents before children, and the last one of the main line."""

    messages: list[Placed]
    head_id: str | None


def arrange(turns: list[Turn], problems: Problems) -> Arranged:
    """Put all turns of a conversation in their places; none is left out."""
    return _Arrangement(turns, problems).all()


class _Arrangement:
    def __init__(self, turns: list[Turn], problems: Problems) -> None:
        self._problems = problems
        self._placed: list[Placed] = []
        self._done: set[str] = set()
        self._turns = sorted(turns, key=lambda turn: turn.order)
        known = {turn.id for turn in turns}
        self._roots = [turn for turn in self._turns if turn.parent_id is None]
        self._children: dict[str, list[Turn]] = {}
        self._lost: list[Turn] = []
        for turn in self._turns:
            if turn.parent_id in known and turn.parent_id is not None:
                self._children.setdefault(turn.parent_id, []).append(turn)
            elif turn.parent_id is not None:
                self._lost.append(turn)

    def all(self) -> Arranged:
        head: str | None = None
        for turn in self._roots:
            if turn.index is not None and turn.index < 0:
                self._family(turn, None)
            else:
                head = self._family(turn, head)
        for turn in self._lost:
            turn.problems.add("parentId", "its parent is not there: kept outside the dialogue")
            self._family(turn, None)
        for turn in self._turns:
            if turn.id not in self._done:
                turn.problems.add("parentId", "its parents form a circle: kept outside the dialogue")
                self._family(turn, None)
        return Arranged(self._placed, head)

    def _family(self, turn: Turn, parent_id: str | None) -> str | None:
        """Place a turn and all below it; gives the message that the dialogue goes on from."""
        waiting = [(turn, parent_id)]
        goes_on = parent_id
        for number, (member, parent) in enumerate(waiting):
            if member.id not in self._done:
                last = self._place(member, parent, waiting)
                goes_on = last if number == 0 else goes_on
        return goes_on

    def _place(self, turn: Turn, parent_id: str | None, waiting: list[tuple[Turn, str | None]]) -> str | None:
        self._done.add(turn.id)
        asked = parent_id
        if turn.has_question:
            asked = turn.question_id
            self._placed.append(Placed(turn, parent_id, hidden=turn.is_hidden))
        children = [child for child in self._children.get(turn.id, ()) if child.id not in self._done]
        versions = [child for child in children if _answers_same(child, turn)]
        parallel = [child for child in versions if child.is_parallel]
        reply_set = turn.id if parallel else None
        for child in versions:
            if not child.is_parallel:
                self._answer(child, asked, waiting)
        ahead = int(turn.has_answer)
        if turn.has_answer:
            self._placed.append(Placed(turn, asked, reply_set, is_answer=True, hidden=turn.is_hidden))
        for number, child in enumerate(parallel, start=ahead):
            self._answer(child, asked, waiting, reply_set=reply_set, index=number, selected=number == 0)
        last = turn.id if turn.has_answer else parallel[0].id if parallel else asked
        same = set(map(id, versions))
        self._queue_others([child for child in children if id(child) not in same], parent_id, last, waiting)
        return last

    def _answer(
        self,
        turn: Turn,
        asked: str | None,
        waiting: list[tuple[Turn, str | None]],
        *,
        reply_set: str | None = None,
        index: int = 0,
        selected: bool = True,
    ) -> None:
        """Place a turn that answers another turn's question; what hangs under it is placed later."""
        self._done.add(turn.id)
        self._placed.append(
            Placed(turn, asked, reply_set, index, selected, is_answer=True, hidden=turn.is_hidden, shares_question=True)
        )
        waiting.extend((child, turn.id) for child in self._children.get(turn.id, ()))

    def _queue_others(
        self, children: Iterable[Turn], parent_id: str | None, last: str | None, waiting: list[tuple[Turn, str | None]]
    ) -> None:
        step = last
        for child in children:
            if child.type == "message.workflow_step" and not child.is_parallel:
                # Steps of a workflow follow one another.
                waiting.append((child, step))
                step = child.id if child.has_answer else child.question_id
            elif child.type in _ANSWERS or child.is_parallel:
                # Another question in the same place: a branch beside this turn.
                waiting.append((child, parent_id))
            else:
                waiting.append((child, last))


def _answers_same(child: Turn, turn: Turn) -> bool:
    if child.type not in _ANSWERS and not child.is_parallel:
        return False
    return child.asks_the_same(turn) and child.has_answer
