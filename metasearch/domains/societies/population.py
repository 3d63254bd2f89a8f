"""Any game with more seats than can be asked: equal requests of one step are asked of one seat.

The mechanism of `archetypes`, put around an environment: of the decisions that the rules want at
the same time, those with equal keys are asked of their first seat, some times over, and every seat
gets one of the answers by lot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from typing import TypeAlias

import numpy as np

from metasearch.domains.societies.archetypes import Archetypes, compared, subsample
from metasearch.domains.societies.table import Ask, Environment, Play, Table

__all__ = ["Key", "Populated", "same_request"]

Key: TypeAlias = Callable[[Ask], Hashable]
"""What two requests must have in common to be one; see `archetypes.check` for one that drops too
much."""


def same_request(ask: Ask) -> Hashable:
    """Return a key of everything that is asked, the seat left out."""
    return ask.kind, json.dumps([dict(ask.about), ask.reply.told()], sort_keys=True)


class Populated:
    """An environment of as many seats, of which few are asked.

    A seat that is asked for others keeps its own memory of what it alone was told; games whose
    members have to differ in it need a key that tells them apart. The log has the representatives'
    actions and, for each step, an event "archetypes": how many were `asked` for how many `seats`.

    Args:
        environment: whose rules are played.
        answers: how often each representative is asked in a step, at least 1.
        key: what is asked alike; all but the seat by default.
        checked: share in [0, 1] of the seats that are asked on their own as well, in every step in
            which some stand for others; the log then has an event "checked" with the total
            `variation` from what was drawn for them, and whether it is small enough (`accepted`).
            Wants some thousand seats, see `archetypes.check`.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        answers: int = 3,
        key: Key = same_request,
        checked: float = 0.0,
    ) -> None:
        self.environment = environment
        self.seats = environment.seats
        self._answers = answers
        self._key = key
        self._checked = checked

    def play(self, table: Table) -> Play:
        """Run the rules; each step takes `answers` rounds of the representatives."""
        rng = np.random.default_rng(table.rng.getrandbits(63))
        rules = self.environment.play(table)
        asks = next(rules, None)
        while asks is not None:
            groups = Archetypes.by([self._key(ask) for ask in asks])
            asked = [asks[first] for first in groups.representatives]
            rounds = []
            for _ in range(self._answers if asked else 0):
                rounds.append((yield asked))
            drawn = rng.integers(max(1, len(rounds)), size=len(asks))
            decided = [rounds[at][kind] for at, kind in zip(drawn, groups.of, strict=True)]
            if asks:
                table.note("archetypes", asked=len(asked) * len(rounds), seats=len(asks))
            if self._checked and len(asked) < len(asks):
                picked = subsample(len(asks), rng, self._checked)
                alone = yield [asks[seat] for seat in picked]
                found = compared(
                    [repr(one) for one in decided],
                    {seat: repr(said) for seat, said in zip(picked, alone, strict=True)},
                )
                table.note("checked", **found._asdict())
            try:
                asks = rules.send(decided)
            except StopIteration:
                return
