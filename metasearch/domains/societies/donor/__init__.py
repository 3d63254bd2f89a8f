"""Domain `donor`: gifts that multiply, a short trace of who gave what, and generations.

Vallinder & Hughes, "Cultural Evolution of Cooperation among LLM Agents", 2024, arXiv:2412.10270.

Rules: twelve members, twelve rounds. In each, one half gives to the other: a donor gives up a
fraction of its units, the recipient gets the double; the next round the roles swap. A donor sees
the recipient's units and a trace: what it gave last, to whom, what that one had given before, three
steps at most. A generation plays twice, with the roles swapped; the half with the higher mean of
final units stays, the places of the others go to new members, who read the survivors' strategies
and scores before they write their own. Variant: a donor may instead spend x to take 2x.
The paper's pairing (nobody meets anybody twice) cannot be had with alternating roles; here donor i
of the giving half gives to member i + floor(t / 2), modulo the half, of the other: each ordered
pair once. Seats of dropped members are told that they are new; the host cannot make them forget.

Bounds: nobody gives: 10. All give everything: 30,720 in twelve rounds, 3,542,940 with multiplier 3,
1081.2 with 1.5 (`ceiling`). All give f: growth per round tends to f + sqrt(f^2 - f + 1). Score:
log(mean final / 10) / log(ceiling / 10), mean of generations, of the design's seats; beside
others the same ceiling, which then nobody quite reaches. In the setting "shock", with one or three
defectors, the half of the score is the share of generations whose generous members survive (sign of
the selection differential).

Floor: members that decide nothing give nothing and score 0.

Cheating, and what stops it:
- Code words in exact fractions: gifts are rounded to 1 %.
- Recognising each other: names are drawn anew each round; the trace is in names of that round.
- Giving nothing in the last round: the number of rounds is drawn and never told, each order is
  played, and among clones it lowers the mean.
- Fractions beyond 0 and 1: invalid, so nothing is given.
- Instructions to later members in a strategy: 400 characters, which others may ignore.
- Giving everything to everybody: two in ten episodes have defectors, whom that lets survive.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar

from metasearch.domains.societies.base import Game, MakeBot, Scenario, loader
from metasearch.domains.societies.donor import metrics
from metasearch.domains.societies.donor.bots import BOTS
from metasearch.domains.societies.donor.rules import Gifts
from metasearch.domains.societies.donor.scenarios import Setup, drawn, published
from metasearch.domains.societies.table import Environment, Log
from metasearch.types import Json, Split

__all__ = ["Donor", "Setup", "load", "published"]

ABOUT = """\
Members give to each other in pairs; the recipient gets a multiple of what the donor gives up. \
Roles swap each round. A generation plays twice; the better half stays, the others are replaced.
Requests:
- `strategy`: `advice` [{text, score}] of those who stayed ([] at first); reply a text of at most \
400 characters (neutral: ""). Only new members are asked.
- `donate`: `round`, `generation`, `recipient` (a name drawn anew each round), `recipient_units`, \
`own_units`, `strategy` (your own text), `trace` [{fraction, to}]: the recipient's last gift, \
then the last gift of who got it ...; reply a fraction from 0 to 1, in steps of .01 (neutral: 0). \
In the variant with punishment trace entries have `punished`, and {"punish": units} may be \
replied instead.
Events: "rules" {text, you, members}; "generation" {number, new (you take the place of \
somebody)}; "start" {units} at the beginning of each of the two parts.
Some members may always keep everything. The number of rounds is not known; multiplier, \
endowment, numbers and names differ in the final test.
Score: logarithm of your members' mean final units over the endowment, divided by that of a \
society in which all give everything; beside defectors one half of it, the other half being how \
often generous members are those who stay; from 0 to 1."""


class Donor(Game):
    """The game.

    Attributes:
        setup: of the user.
    """

    name: ClassVar[str] = "donor"
    about: ClassVar[str] = ABOUT
    bots: ClassVar[Mapping[str, MakeBot]] = BOTS

    def __init__(self, setup: Setup | None = None) -> None:
        self.setup = setup or Setup()

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> Donor:
        """Return the game of a `Setup`; the paper's sizes are generations 10, spread 0."""
        cls.refuse(argument)
        return cls(Setup.of(options))

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw a scenario, see `drawn`."""
        return drawn(self.setup, split, setting, rng)

    def environment(self, scenario: Scenario) -> Environment:
        """Return the rules of one episode."""
        return Gifts(scenario)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return all metrics of one episode, see `donor.metrics`."""
        return metrics.metrics(log)

    def score(self, log: Log) -> float:
        """Return the score of one episode in [0, 1], see `donor.metrics`."""
        return metrics.score(log)


load = loader(Donor)
