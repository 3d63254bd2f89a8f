"""Which strategy finds more? The same searches by each, where the truth is known.

Two worlds: the simulator (`metasearch.testing.simulator`), and a table of real evaluations
(`metasearch.testing.tabular`). Each seed is one world or one deal of tasks, the same for every
strategy, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasearch.search.config import SearchSection
from metasearch.search.material import whole_archive
from metasearch.search.strategies import STRATEGIES
from metasearch.testing.simulator import Rules, World, search
from metasearch.testing.tabular import Table, play

__all__ = ["CONTROL", "Standing", "on_simulator", "on_table", "rules_of"]

CONTROL = "independent"  # what a strategy has to beat
Z = 1.96


@dataclass(frozen=True, slots=True)
class Standing:
    """How one strategy did; scores in points of 100.

    Attributes:
        world: "simulator" or "table".
        found: true score of the winners, on average.
        gain: the same less that of the best seed.
        lead, low, high: gain less that of `CONTROL`, with its 95 % interval over searches.
        evaluations: of validation tasks in a search.
    """

    world: str
    strategy: str
    found: float
    gain: float
    lead: float
    low: float
    high: float
    evaluations: float
    searches: int


def rules_of(strategy: str, designs: int) -> Rules:
    """Return how a strategy goes, as the simulator and the table understand it."""
    one = STRATEGIES[strategy]
    kept = {key: value for key, value in one.fixed.items() if key == "stages"}
    settings = SearchSection.model_validate({"designs": designs, "finalists": 3, **kept})
    crowd = one.material is whole_archive
    starts_afresh = crowd or not one.remembers
    return Rules(settings, None if starts_afresh else one.selector, crowd)


def on_simulator(
    searches: int, designs: int, *, strategies: Sequence[str] = tuple(STRATEGIES)
) -> list[Standing]:
    """Return how strategies do in simulated worlds, after so many proposals each."""
    world = World()

    def once(rules: Rules, seed: int) -> tuple[float, float, int]:
        found = search(world, rules, seed)
        true = [float(one.chances[world.validation :].mean()) for one in (found.winner, found.seed)]
        return true[0], true[1], found.evaluations

    return _standings("simulator", once, searches, designs, strategies)


def on_table(
    table: Table, searches: int, designs: int, *, strategies: Sequence[str] = tuple(STRATEGIES)
) -> list[Standing]:
    """Return how strategies do on a table, after so many proposals each."""

    def once(rules: Rules, seed: int) -> tuple[float, float, int]:
        found = play(table, rules, seed)
        return found.truth[-1], found.truth[0], found.evaluations

    return _standings("table", once, searches, designs, strategies)


def _standings(
    world: str,
    once: Callable[[Rules, int], tuple[float, float, int]],
    searches: int,
    designs: int,
    strategies: Sequence[str],
) -> list[Standing]:
    names = list(dict.fromkeys((*strategies, CONTROL)))
    rows = {
        name: np.array([once(rules_of(name, designs), seed) for seed in range(searches)])
        for name in names
    }
    return [_standing(world, name, rows[name], rows[CONTROL]) for name in names]


def _standing(
    world: str, name: str, own: NDArray[np.float64], control: NDArray[np.float64]
) -> Standing:
    lead = 100 * (own[:, 0] - control[:, 0])
    half = Z * float(lead.std(ddof=1)) / len(lead) ** 0.5 if len(lead) > 1 else 0.0
    mean = float(lead.mean())
    return Standing(
        world=world,
        strategy=name,
        found=100 * float(own[:, 0].mean()),
        gain=100 * float((own[:, 0] - own[:, 1]).mean()),
        lead=mean,
        low=mean - half,
        high=mean + half,
        evaluations=float(own[:, 2].mean()),
        searches=len(own),
    )
