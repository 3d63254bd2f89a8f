"""Domain `sanction`: a repeated dilemma in pairs, with punishing, reputation, choice of partners.

Dasgupta & Musolesi, "Investigating the impact of direct punishment on the emergence of cooperation
in multi-agent reinforcement learning systems", 2023, arXiv:2301.08278.

Rules: five members; in each of 8 to 12 rounds everybody once begins a play of two with a partner
that it chooses, or that is drawn. C/C pays 3/3, C/D 0/4, D/D 1/1. Each of the two may punish the
other (direct), and for each of the two an onlooker drawn from the others may (third party). A fine
takes 3; punishing a defector ("just") brings 2 (costs 3 in the costly variant), a cooperator -10.
Reputation is public: C +1, D -1, just +2, unjust -3. Here all decisions of one kind in a round are
simultaneous; the paper plays one pair after the other.

Bounds, of a play without noise: both cooperate 3, both defect 1. In 50 plays all C make 300, all D
100. With k certain punishers a defector gets 4 - 3k and 1 - 3k, so that cooperating dominates from
k = 1. Punishing a defector dominates in the standard variant (+2 > 0) and not in the costly one.

Floor: members that decide nothing defect, punish nobody, and score 0 among themselves.

Cheating, and what stops it:
- Clones that choose only each other: partners are offered under letters drawn anew each time;
  nothing but reputation tells them apart.
- Farming +2 by punishing a friend who defects: the score counts no bonus (`plain_reward`), and
  such a friend lowers it by his play and his fines.
- Plundering in the last round: the number of rounds is drawn and never told.
- Never punishing because it costs: beside members who defect until punished, that is prey.
- Cooperating with everybody: a half of the score is reward, and in half of the episodes the
  others are defectors, opportunists, newcomers, or err.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar

from metasearch.domains.societies.base import Game, MakeBot, Scenario, loader
from metasearch.domains.societies.sanction import metrics
from metasearch.domains.societies.sanction.bots import BOTS
from metasearch.domains.societies.sanction.payoffs import COSTLY, PUBLISHED, Payoffs
from metasearch.domains.societies.sanction.rules import Sanctions
from metasearch.domains.societies.sanction.scenarios import Switches, drawn
from metasearch.domains.societies.table import Environment, Log
from metasearch.types import Json, Split

__all__ = ["COSTLY", "PUBLISHED", "Payoffs", "Sanction", "Switches", "load"]

ABOUT = """\
A repeated prisoner's dilemma in pairs, with punishment and reputation. In each round every member \
begins one play with a partner; all decisions of one kind in a round are made at the same time.
Requests:
- `choose_partner`: `reputations` {id: number} of all others; reply one id. Ids are letters drawn \
anew each time: they tell nothing about who it is. (Only where partners are chosen.)
- `play`: `own_last`, `other_last` ("C", "D" or "" if unknown: each one's last play with anybody), \
`rep_own`, `rep_other`; reply "C" or "D".
- `punish`: `role` ("direct": you were the other player, "third": you looked on), `victim_action`, \
`other_action`, `rep_victim`, `rep_own`; reply "P" (punish) or "N". A fine goes to the victim; \
punishing a D is just, a C unjust, and costs a lot.
Events: "rules" {text, you, members, reward, sucker, temptation, punishment, fine, just, unjust, \
direct, third, selection, reputation} at first; after each round "round" {plays: [{own, other, \
punished (how often), reward}] of yourself, reputation}.
Others may always defect, do so until they are punished, join late, or err. The number of rounds \
is unknown. Score: the mean of two shares, reward of your seats' plays without bonuses for \
punishing, scaled from mutual defection (0) to mutual cooperation (1), and cooperation of both \
sides in these plays."""


class Sanction(Game):
    """The game.

    Attributes:
        switches: which mechanisms there are.
    """

    name: ClassVar[str] = "sanction"
    about: ClassVar[str] = ABOUT
    bots: ClassVar[Mapping[str, MakeBot]] = BOTS

    def __init__(self, switches: Switches | None = None) -> None:
        self.switches = switches or Switches()

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Sanction:
        """Return the game of some `Switches`."""
        cls.refuse(argument)
        return cls(Switches.of(options))

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw a scenario, see `drawn`."""
        return drawn(self.switches, split, setting, rng)

    def environment(self, scenario: Scenario) -> Environment:
        """Return the rules of one episode."""
        return Sanctions(scenario)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return all metrics of one episode, see `sanction.metrics`."""
        return metrics.metrics(log)

    def score(self, log: Log) -> float:
        """Return the mean of the shares of attainable reward and of cooperation, in [0, 1]."""
        return metrics.score(log)


load = loader(Sanction)
