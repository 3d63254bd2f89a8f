"""Domain `ipd`: the iterated prisoner's dilemma against itself and against a pool of strategies.

Axelrod 1980, Journal of Conflict Resolution 24; Axelrod & Hamilton 1981, Science 211. An engine of
our own; it plays as the library Axelrod 4.13.1 does, move for move (Knight et al. 2016, Journal of
Open Research Software 4), which its tests compare.

Rules: R, S, T, P = 3, 0, 5, 1. A match has 150 to 250 turns, nobody knows how many; noise turns
an action into the other one in 0, 1 or 5 % of cases. Settings: "self" is the design against itself;
"mixed" against one of eight strategies with at most 1 % noise; "shock" with 5 %, or against one who
cooperates for 40 turns and never again.

Score: mean gain of a turn divided by R, cut to [0, 1]. Bounds: R (1) for two who cooperate; against
those who always defect no more than P (1/3) can be had, against half-cooperators like `random` 1.
Above R is only prey's loss: the cut takes it away. Floor: members that decide nothing defect: 1/3
among themselves.

Cheating, and what stops it:
- Counting down to the last turn: the number of turns is drawn and never told.
- A code word at the beginning by which clones know each other (Southampton 2004): in "self" a clone
  is all there is, so recognising it gains nothing; elsewhere nobody else is one.
- Looking at the opponent: it runs in another process, or on the host.
- Preying on those who always cooperate: nothing above R counts.
- Knowing the eight by heart: the final report has payoffs, lengths, noise and strategies which the
  search never meets.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar, Final

from metasearch.domains.societies.base import DESIGN, Game, MakeBot, Scenario, loader
from metasearch.domains.societies.ipd import metrics
from metasearch.domains.societies.ipd.bots import BOTS, EIGHT, HIDDEN_BOTS
from metasearch.domains.societies.ipd.game import (
    PUBLISHED,
    Payoffs,
    exploitability,
    invasion_threshold,
)
from metasearch.domains.societies.ipd.rules import LONGEST, Dilemma
from metasearch.domains.societies.table import Environment, Log
from metasearch.types import Split

__all__ = [
    "EIGHT",
    "LONGEST",
    "PUBLISHED",
    "Ipd",
    "Payoffs",
    "exploitability",
    "invasion_threshold",
    "load",
]

ABOUT = f"""\
The iterated prisoner's dilemma: two members decide at the same time, some hundred turns; the \
number of turns is unknown. Request `play`: `own_history`, `other_history` (texts such as "CCDC", \
what was really done, oldest first, at most the last {LONGEST} turns); reply "C" or "D". Event \
"rules" {{text, you, reward, sucker, temptation, punishment}} at first; there are no other events. \
Actions may go wrong: a meant C becomes D or the other way round. The member meets itself in half \
of the matches; else reciprocators, unforgiving ones, defectors, suckers, drawers of lots, or one \
who turns traitor. Score: mean gain of a turn divided by that of mutual cooperation, cut at 1: to \
exploit suckers gains nothing."""

SURFACES: Final = (
    "Two firms set prices; C keeps them up, D undercuts.",
    "Two states hold to a treaty; C keeps it, D breaks it.",
    "Two cats groom each other; C grooms, D only lets itself be groomed.",
)
HIDDEN_SURFACES: Final = (
    "Two teams share one server; C holds back heavy work, D runs it.",
    "Two birds warn each other of hawks; C calls, D stays silent.",
)
NAMES: Final = ("Ada", "Ben", "Cai", "Dan")
HIDDEN_NAMES: Final = ("Ines", "Jon", "Kim", "Lea")
HIDDEN_PAYOFFS: Final = (
    Payoffs(reward=4, sucker=0, temptation=6, punishment=1),
    Payoffs(reward=5, sucker=1, temptation=7, punishment=3),
    Payoffs(reward=6, sucker=0, temptation=9, punishment=2),
)
NOISE: Final = {"self": (0.0, 0.01, 0.05), "mixed": (0.0, 0.01), "shock": (0.05,)}
HIDDEN_NOISE: Final = {"self": (0.0, 0.02, 0.08), "mixed": (0.0, 0.02), "shock": (0.03, 0.08)}
TRAITORS: Final = 0.25  # share of the shocks


class Ipd(Game):
    """The game."""

    name: ClassVar[str] = "ipd"
    about: ClassVar[str] = ABOUT
    bots: ClassVar[Mapping[str, MakeBot]] = BOTS

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw a match; those of the test have hidden payoffs, lengths, noise and strategies."""
        hidden = split is Split.TEST
        turns = rng.choice((rng.randint(60, 140), rng.randint(260, 400)))
        pool = sorted(HIDDEN_BOTS if hidden else EIGHT)
        other = rng.choice(pool) if setting != "self" else DESIGN
        noise = rng.choice((HIDDEN_NOISE if hidden else NOISE)[setting])
        if setting == "shock" and rng.random() < TRAITORS:
            other, noise = "turncoat", 0.0
        return Scenario(
            setting,
            tuple(rng.sample((DESIGN, other), 2)),
            {
                "surface": rng.choice(HIDDEN_SURFACES if hidden else SURFACES),
                "names": rng.sample(HIDDEN_NAMES if hidden else NAMES, 2),
                "payoffs": (rng.choice(HIDDEN_PAYOFFS) if hidden else PUBLISHED).to_json(),
                "turns": turns if hidden else rng.randint(150, 250),
                "noise": noise,
            },
        )

    def environment(self, scenario: Scenario) -> Environment:
        """Return the rules of one match."""
        return Dilemma(scenario)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return all metrics of one match, see `ipd.metrics`."""
        return metrics.metrics(log)

    def score(self, log: Log) -> float:
        """Return the design's mean gain of a turn in units of mutual reward, cut to [0, 1]."""
        return metrics.score(log)


load = loader(Ipd)
