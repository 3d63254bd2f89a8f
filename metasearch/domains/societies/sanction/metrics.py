"""What the episodes of `sanction` come to; pure functions of their logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.measures import invalid_rate, scaled
from metasearch.domains.societies.sanction.payoffs import Payoffs
from metasearch.domains.societies.table import Event, Log
from metasearch.types import Json

__all__ = ["Books", "metrics", "score"]

UNCONDITIONAL = "alld"  # who sits there never cooperates, whatever anybody does


@dataclass(slots=True)
class Books:
    """All accounts of one episode.

    Attributes:
        rewards: (seats,) of plays, fines and punishing.
        plain: (seats,) the same without bonuses for punishing.
        plays, cooperated: (seats,) how often a seat played, and played C.
        chances, punished: by role "direct" and "third".
        just, unjust: punishments of defectors and of cooperators.
        focal_plays, focal_cooperated: plays in dyads with a seat of the design, of both sides.
    """

    rewards: list[float]
    plain: list[float]
    plays: list[int]
    cooperated: list[int]
    chances: dict[str, int] = field(default_factory=lambda: {"direct": 0, "third": 0})
    punished: dict[str, int] = field(default_factory=lambda: {"direct": 0, "third": 0})
    just: int = 0
    unjust: int = 0
    focal_plays: int = 0
    focal_cooperated: int = 0

    @classmethod
    def of(cls, log: Log) -> Books:
        """Return the accounts of an episode, from its log."""
        scenario = Scenario.of(log[0])
        seats, focal = len(scenario.seats), scenario.focal
        pays = Payoffs.of(scenario.constants["payoffs"])
        books = cls([0.0] * seats, [0.0] * seats, [0] * seats, [0] * seats)
        for dyad in _events(log, "dyad"):
            books._play(dyad, pays, focal)
            books._judge(dyad, pays)
        return books

    def _play(self, dyad: Event, pays: Payoffs, focal: Sequence[int]) -> None:
        actions = dyad["actions"]
        for place, seat in enumerate(dyad["seats"]):
            self._pay(seat, pays.stage(actions[place], actions[1 - place]))
            self.plays[seat] += 1
            self.cooperated[seat] += actions[place] == "C"
        if set(dyad["seats"]) & set(focal):
            self.focal_plays += 2
            self.focal_cooperated += actions.count("C")

    def _judge(self, dyad: Event, pays: Payoffs) -> None:
        played = dict(zip(dyad["seats"], dyad["actions"], strict=True))
        for by, victim, role, verdict in dyad["judged"]:
            self.chances[role] += 1
            if verdict != "P":
                continue
            action = played[victim]
            self.punished[role] += 1
            self.just += action == "D"
            self.unjust += action == "C"
            self._pay(victim, -pays.fine)
            self._pay(by, pays.punishing(action))
            self.plain[by] -= pays.farmed(action)

    def _pay(self, seat: int, amount: float) -> None:
        self.rewards[seat] += amount
        self.plain[seat] += amount

    def focal_reward(self, focal: Sequence[int]) -> float:
        """Return the mean reward without bonuses of a play of these seats; 0.0 without plays."""
        return _share(sum(self.plain[seat] for seat in focal), sum(self.plays[s] for s in focal))


def metrics(log: Log) -> dict[str, float]:
    """Return all metrics of one episode.

    cooperation: share of C among all plays. societal_reward: of all plays, fines and punishing;
    plain_reward: the same without bonuses; reward_share: societal_reward in units of all C.
    direct_rate, third_rate: share of chances to punish that were used. just_share: of punishments,
    0 if none. chose_punisher, chose_cooperator: share of choices whose chosen one last punished,
    last cooperated. All as in Dasgupta & Musolesi 2023, arXiv:2301.08278. focal_reward: mean of a
    play of the design's seats, without bonuses; focal_cooperation: share of C, both sides, in
    plays that the design took part in.
    """
    scenario, books = Scenario.of(log[0]), Books.of(log)
    plays = sum(books.plays)
    choices = list(_events(log, "choice"))
    reputation = next((event["reputation"] for event in _events(log, "end")), [0.0])
    best = Payoffs.of(scenario.constants["payoffs"]).reward * plays
    return {
        "cooperation": _share(sum(books.cooperated), plays),
        "societal_reward": sum(books.rewards),
        "plain_reward": sum(books.plain),
        "reward_share": _share(sum(books.rewards), best),
        "direct_rate": _share(books.punished["direct"], books.chances["direct"]),
        "third_rate": _share(books.punished["third"], books.chances["third"]),
        "just_share": _share(books.just, books.just + books.unjust),
        "chose_punisher": _share(sum(one["last_judged"] == "P" for one in choices), len(choices)),
        "chose_cooperator": _share(sum(one["last_played"] == "C" for one in choices), len(choices)),
        "reputation": sum(reputation) / len(reputation),
        "dyads": plays / 2,
        "focal_reward": books.focal_reward(scenario.focal),
        "focal_cooperation": _share(books.focal_cooperated, books.focal_plays),
        "invalid_rate": invalid_rate(log, scenario.focal),
    }


def score(log: Log) -> float:
    """Return the mean of two shares in [0, 1]: of attainable reward, and of cooperation.

    Reward is the mean of a play of the design's seats without bonuses for punishing, so that
    nobody gains by punishing a defector who is a friend. It is 0 where both always defect, 1 where
    both cooperate whenever the other one ever does. Cooperation counts both sides of these plays:
    a design is worth what it brings others to do, too.
    """
    scenario, books = Scenario.of(log[0]), Books.of(log)
    constants = scenario.constants
    pays, noise = Payoffs.of(constants["payoffs"]), float(constants["noise"])
    lost = _lost(scenario.seats, constants)
    floor, best = pays.trembling("D", noise), pays.trembling("C", noise)
    high = best - lost * (best - floor)
    reward = scaled(books.focal_reward(scenario.focal), floor, high)
    most = (1 - noise) - lost * (1 - 2 * noise)
    cooperated = _share(books.focal_cooperated, books.focal_plays)
    return (reward + scaled(cooperated, noise, most)) / 2


def _lost(seats: Sequence[str], constants: Mapping[str, Json]) -> float:
    """Return the share of a seat's plays that are with those who never cooperate.

    Who chooses its partners meets them only when they choose it: in half of its plays, as often
    as chance has it.
    """
    never = seats.count(UNCONDITIONAL) / (len(seats) - 1)
    return never / 2 if constants["selection"] else never


def _events(log: Log, kind: str) -> Iterator[Event]:
    return (event for event in log if event["kind"] == kind)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
