"""Domain `commons`: a stock that grows back, if enough of it is left.

Piatti et al., "Cooperate or Collapse: Emergence of Sustainable Cooperation in a Society of LLM
Agents", NeurIPS 2024, arXiv:2404.16698. Skins fishery, pasture, pollution with the same arithmetic.

Rules: each month all members privately ask for units of the stock h, at the same time; where they
ask for more than there is, units are dealt out by lot (`allocated`). Everybody learns what each one
got, at most nine utterances follow, each naming the next speaker and whether the talk ends; then
all may reflect. If less than C is left, the run ends; else the stock is min(capacity, g * left).
Conditions: default; universalization (each month a line says what equal share is sustainable);
newcomer (one member joins later, and all have personas); no_communication (neither report nor
talk). Where the official code is peculiar, this is what is done here: the sustainable share divides
by the members present, in each month by the stock of that month; the collapse looks at what is left
before it grows. The paper's framework model, which sums up the talk, is left to the members.

Bounds: f(h) = h - ceil(h / g) units can be taken so that h is there again (floor(h / 2) for g = 2).
No month of a sustained run gives more than f(0) := f(capacity) = floor(capacity (1 - 1 / g)), so a
society's total is held against T f(0), 600 in the paper; the plunder of a last month goes beyond it
and is cut. Score: u e (m / T) where the design has all seats; beside background members, its seats'
gain over what is attainable there, times m / T.

Floor: members that decide nothing take nothing and score 0. All who grab everything score 0.015 in
twelve months.

Cheating, and what stops it:
- Plundering in the last month: the horizon is drawn and never told; efficiency is cut at 1, and
  `over_eq3` shows it.
- Grabbing all at once beside others, where a short horizon makes one big catch worth a share: the
  result counts times the share of months that the stock lasted.
- A hard-coded 10 and silence: capacity, growth and number of members differ in hidden scenarios.
- A quota shared by clones through a hidden channel: seats are processes of their own; half of the
  episodes have other members.
- Reading the threshold from the log: no member is told f, except by the line of universalization.
- Flooding the talk: 600 characters an utterance, nine of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar

from metasearch.domains.societies.base import Game, MakeBot, Scenario, loader
from metasearch.domains.societies.commons import metrics
from metasearch.domains.societies.commons.bots import BOTS
from metasearch.domains.societies.commons.rules import Months
from metasearch.domains.societies.commons.scenarios import Setup, drawn, published
from metasearch.domains.societies.table import Environment, Log
from metasearch.types import Json, Split

__all__ = ["Commons", "Setup", "load", "published"]

ABOUT = """\
Several members live off one stock of whole units. Each month everybody asks for units at the \
same time; what is left grows by a factor up to the capacity. If too little is left, all is lost \
for ever.
Requests:
- `harvest`: `stock` (units now), `capacity`, `growth_text` (how the rest grows, always with \
"<number> times"), `n` (members present), `own_total`, `skin`; reply a whole number from 0 to \
stock (neutral: 0). If all ask for more than there is, units are dealt out by lot.
- `speak`: `transcript` [{speaker, text}] of this month's talk, `catches` {name: units of this \
month}; reply {"text": at most 600 characters, "end": bool (the talk ends), "next": name of who \
speaks next, or ""}, all three fields (neutral: silence, and the talk ends). At most nine \
utterances a month.
- `reflect`: once at each month's end, nothing given; reply a text for yourself (or "").
Events: "rules" {text, you, persona, members [names], unit} at first; each month "catch" {wish, \
caught} of yourself, "report" {catches {name: units}}, "said" {speaker, text}; "joined" {who}; \
where the condition is universalization, "universalization" {text} before the harvest. In the \
condition no_communication there is neither report nor talk.
The number of months is not known; numbers of members, capacity, growth and names differ in the \
final test. Some members may be of another kind: careful ones, greedy ones, newcomers.
Score, from 0 to 1: where all members are yours, efficiency (units taken in all of what could be \
sustained) * equality (1 - Gini) * share of months that the stock survived; beside others, units \
of your members of what they could sustain there, * share of months survived."""


class Commons(Game):
    """The game.

    Attributes:
        setup: of the user.
    """

    name: ClassVar[str] = "commons"
    about: ClassVar[str] = ABOUT
    bots: ClassVar[Mapping[str, MakeBot]] = BOTS

    def __init__(self, setup: Setup | None = None) -> None:
        self.setup = setup or Setup()

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Commons:
        """Return the game of a skin ("fishery", "pasture", "pollution"; "" is all) and a `Setup`.

        The paper's sizes are months 12, spread 0.
        """
        return cls(Setup.of(argument, options))

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw a scenario, see `drawn`."""
        return drawn(self.setup, split, setting, rng)

    def environment(self, scenario: Scenario) -> Environment:
        """Return the rules of one episode."""
        return Months(scenario)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return all metrics of one episode, see `commons.metrics`."""
        return metrics.metrics(log)

    def score(self, log: Log) -> float:
        """Return the score of one episode in [0, 1], see `commons.metrics`."""
        return metrics.score(log)


load = loader(Commons)
