"""Between the rules and the members: who is asked what, what is read from replies, what is logged.

`Referee` knows neither sandbox nor loop, so that members in a sandbox and bots on the host play
exactly the same episode.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from metasearch.domains.societies.decisions import Invalid
from metasearch.domains.societies.table import Ask, Environment, Event, Log, Table
from metasearch.types import Json

__all__ = ["Bot", "Referee", "Reply", "Turn", "rehearse", "seat_seed"]

MOST_ROUNDS = 1_000_000  # of questions in one episode: rules that never end are a fault of theirs
DETAIL_CHARACTERS = 300


class Reply(NamedTuple):
    """What came back from a member.

    Attributes:
        value: plain JSON, from a stranger.
        fault: why there is none: "late", "crashed" or "gone"; "" where there is one.
        detail: one line more about the fault.
    """

    value: Json = None
    fault: str = ""
    detail: str = ""


class Turn(NamedTuple):
    """What one seat gets: what has happened since it was asked last, and the question."""

    events: list[Event]
    ask: Ask

    @property
    def seat(self) -> int:
        """Whose turn it is."""
        return self.ask.seat

    def request(self) -> dict[str, Json]:
        """Return the question as a member reads it: `{kind, reply, ...about}`."""
        return {**self.ask.about, "kind": self.ask.kind, "reply": self.ask.reply.told()}


class Bot(Protocol):
    """A member that runs on the host: our own code, never a design's."""

    def observe(self, event: Event) -> None:
        """Learn what has happened."""
        ...

    def act(self, request: dict[str, Json]) -> Json:
        """Decide; `request` is as `Turn.request` returns it."""
        ...


class Referee:
    """Runs one episode's rules, a round of simultaneous decisions at a time.

    Args:
        environment: to be played once.
        opening: facts for the log's first event.
        seed: of the episode's chance.
    """

    def __init__(self, environment: Environment, opening: dict[str, Json], seed: int) -> None:
        self.table = Table(environment.seats, seed)
        self.table.note("episode", **opening)
        self._play = environment.play(self.table)
        self._asked: list[Ask] = []
        self._rounds = 0

    @property
    def log(self) -> Log:
        """Everything that has happened so far."""
        return self.table.log

    def begin(self) -> list[Turn]:
        """Return the first round; none where nothing is decided at all."""
        return self._next(None)

    def take(self, replies: Sequence[Reply]) -> list[Turn]:
        """Go on with the replies to the last round, in its order; return the next, [] at the end.

        Raises:
            RuntimeError: the rules never end.
        """
        decided = [self._read(ask, reply) for ask, reply in zip(self._asked, replies, strict=True)]
        return self._next(decided)

    def _next(self, decided: list[Json] | None) -> list[Turn]:
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise RuntimeError("the rules ask for ever")
        try:
            asked = next(self._play) if decided is None else self._play.send(decided)
            while not asked:  # nobody may be left to ask
                asked = self._play.send([])
        except StopIteration:
            self._asked = []
            return []
        self._asked = list(asked)
        return [Turn(self.table.news(ask.seat), ask) for ask in self._asked]

    def _read(self, ask: Ask, reply: Reply) -> Json:
        value, fault, detail = ask.neutral, reply.fault, reply.detail
        if not fault:
            try:
                value = ask.reply.read(reply.value)
            except Invalid as reason:
                fault, detail = "invalid", str(reason)
        wrong = {"fault": fault, "detail": detail[:DETAIL_CHARACTERS]} if fault else {}
        self.table.note("act", seat=ask.seat, ask=ask.kind, value=value, **wrong)
        return value


def rehearse(
    environment: Environment,
    bots: Sequence[Bot],
    *,
    seed: int = 0,
    opening: dict[str, Json] | None = None,
) -> Log:
    """Play one episode among bots on the host and return its log.

    Args:
        environment: to be played once.
        bots: one for each seat.
        seed: of the episode's chance.
        opening: facts for the log's first event.
    """
    referee = Referee(environment, opening or {}, seed)
    turns = referee.begin()
    while turns:
        replies = []
        for turn in turns:
            bot = bots[turn.seat]
            for event in turn.events:
                bot.observe(event)
            replies.append(Reply(bot.act(turn.request())))
        turns = referee.take(replies)
    return referee.log


def seat_seed(seed: int, seat: int) -> int:
    """Return the seed of one seat's own chance: all of an episode's follow from its one seed."""
    return random.Random(f"{seed}/{seat}").getrandbits(31)
