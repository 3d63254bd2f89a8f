"""How agents of one design sway each other, read from a trace: conformity, consensus, cost.

Zhang et al. 2024, arXiv:2310.02124 (MachineSoM), for any design whose agents answer in fields.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from metasearch.types import Json, ModelCall

__all__ = ["Swayed", "columns", "swayed"]

_FIELD = "answer"
_TELLING = 20  # characters of a field by which a quotation of it is known
_NOTED = "Asked: "  # with this the kit begins what an agent remembers


class Swayed(NamedTuple):
    """What one evaluation's trace shows.

    Attributes:
        distinct: number of different answers after each round; fewer is more consensus.
        chances: answers that agents gave after they had heard others, of whom some agreed.
        moves: of those that conform, how many by (was it right before, is it right now).
        agents: how many answer in rounds.
        tokens, calls: of all agents.
    """

    distinct: tuple[int, ...]
    chances: int
    moves: Mapping[tuple[bool, bool], int]
    agents: int
    tokens: int
    calls: int


@dataclass(slots=True)
class _Turn:
    """One answer of one agent; `key` is "" where it cannot be read."""

    answer: Json
    key: str
    texts: tuple[str, ...]
    heard: bool


@dataclass(slots=True)
class _Speaker:
    turns: list[_Turn] = field(default_factory=list)
    last: ModelCall | None = None

    def after(self, number: int) -> _Turn:
        """Return its answer after a round: its latest where it no longer speaks."""
        return self.turns[min(number, len(self.turns) - 1)]


def swayed(trace: Iterable[ModelCall], right: Callable[[Json], bool]) -> Swayed:
    """Read a trace.

    A round is the n-th answer of each agent that answers at first without having heard others;
    judges and other late ones take no part. An agent hears another one when its question, beyond
    what it remembers, quotes that one's latest reply. An answer then conforms when it is a most
    frequent one of the round before, all agents counted, which at least two of them gave.

    Args:
        trace: calls in the order in which they were made; agents are told apart by name.
        right: whether an answer is the right one.
    """
    calls = list(trace)
    speakers = list(_speakers(calls).values())
    rounds = max((len(one.turns) for one in speakers), default=0)
    moves: Counter[tuple[bool, bool]] = Counter()
    chances = 0
    for number in range(1, rounds):
        before = Counter(one.after(number - 1).key for one in speakers)
        before.pop("", None)
        most = max(before.values(), default=0)
        for one in speakers:
            if most < 2 or number >= len(one.turns) or not one.turns[number].heard:
                continue
            chances += 1
            turn = one.turns[number]
            if before[turn.key] == most:
                moves[right(one.turns[number - 1].answer), right(turn.answer)] += 1
    return Swayed(
        distinct=tuple(_distinct(speakers, number) for number in range(rounds)),
        chances=chances,
        moves=moves,
        agents=len(speakers),
        tokens=sum(call.reply.usage.total for call in calls if call.reply),
        calls=len(calls),
    )


def columns(found: Sequence[Swayed]) -> dict[str, float]:
    """Return the columns of a design, over its evaluations; {} where not two answered in fields.

    tokens, calls: means of an evaluation. distinct_0, distinct_1, ...: mean number of different
    answers after each round. conformity: share of chances, in [0, 1]; true_to_true, true_to_false,
    false_to_true, false_to_false: shares of what conforms; benefit: 1 where it leads to the truth
    more often than away from it. What there was no occasion for is left out.
    """
    some = [one for one in found if one.agents > 1]
    if not some:
        return {}
    columns = {
        "tokens": sum(one.tokens for one in some) / len(some),
        "calls": sum(one.calls for one in some) / len(some),
    }
    for number in range(max(len(one.distinct) for one in some)):
        counts = [one.distinct[number] for one in some if number < len(one.distinct)]
        columns[f"distinct_{number}"] = sum(counts) / len(counts)
    moves: Counter[tuple[bool, bool]] = Counter()
    for one in some:
        moves.update(one.moves)
    if chances := sum(one.chances for one in some):
        columns["conformity"] = moves.total() / chances
    if total := moves.total():
        for (before, after), count in ((pair, moves[pair]) for pair in _PAIRS):
            name = f"{str(before).lower()}_to_{str(after).lower()}"
            columns[name] = count / total
        columns["benefit"] = float(sum(moves[pair] for pair in _PAIRS if pair[1]) * 2 > total)
    return columns


_PAIRS = ((True, True), (True, False), (False, True), (False, False))


def _distinct(speakers: Sequence[_Speaker], number: int) -> int:
    return len({key for one in speakers if (key := one.after(number).key)})


def _speakers(calls: Sequence[ModelCall]) -> dict[str, _Speaker]:
    """Return the agents that answer in rounds, by name."""
    found: dict[str, _Speaker] = {}
    late: set[str] = set()
    for call in calls:
        if _FIELD not in ((call.request.schema or {}).get("properties") or {}):
            continue
        speaker = found.setdefault(call.agent, _Speaker())
        others = {name: one for name, one in found.items() if name != call.agent and one.turns}
        turn = _turn(call, others)
        if _again(call, speaker.last):
            speaker.turns[-1] = turn
        else:
            if not speaker.turns and turn.heard:
                late.add(call.agent)
            speaker.turns.append(turn)
        speaker.last = call
    return {name: one for name, one in found.items() if name not in late}


def _again(call: ModelCall, last: ModelCall | None) -> bool:
    """Say whether a call only asks for the same once more: its first reply did not fit."""
    if last is None:
        return False
    asked = last.request.messages
    return len(call.request.messages) > len(asked) and call.request.messages[: len(asked)] == asked


def _turn(call: ModelCall, others: Mapping[str, _Speaker]) -> _Turn:
    said = _said(call)
    answer = said.get(_FIELD)
    texts = tuple(str(one) for one in said.values() if len(str(one)) >= _TELLING)
    fresh = _fresh(call)
    heard = any(
        f"[{name}]" in fresh or any(text in fresh for text in one.turns[-1].texts)
        for name, one in others.items()
    )
    key = "" if answer is None else str(answer).strip().casefold()
    return _Turn(answer, key, texts, heard)


def _fresh(call: ModelCall) -> str:
    """Return what an agent is asked now, without what the kit's memory puts before it."""
    asked = next((one.content for one in call.request.messages if one.role == "user"), "")
    if not asked.startswith(_NOTED):
        return asked
    return asked.rpartition(f"[{call.agent}]\n")[2]


def _said(call: ModelCall) -> dict[str, Json]:
    """Return the fields of a reply; {} where it has none."""
    text = call.reply.text if call.reply else ""
    start, end = text.find("{"), text.rfind("}") + 1
    try:
        value = json.loads(text[start:end]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
