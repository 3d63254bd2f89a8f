"""Known answers of `sanction`: stage game and societal reward (Dasgupta & Musolesi 2023)."""

from metasearch.domains.societies.base import DESIGN, Scenario
from metasearch.domains.societies.sanction import COSTLY, PUBLISHED, Sanction
from metasearch.domains.societies.sanction.bots import AllD, Rule

Check = tuple[str, float, float]  # name, found, expected


def scenario(payoffs=PUBLISHED, *, seats=(DESIGN,) * 5, rounds=10, **changed):
    """Return the published society: 10 rounds of 5 plays."""
    constants = {
        "surface": "{count} of you.",
        "names": ["A", "B", "C", "D", "E"],
        "payoffs": payoffs.to_json(),
        "direct": True,
        "third": True,
        "selection": True,
        "reputation": True,
        "rounds": rounds,
        "noise": 0.0,
        "joins": {},
    }
    return Scenario("self", seats, {**constants, **changed})


class Punishing(AllD):
    """Defects and punishes everybody."""

    def punish(self, request):
        return "P"


def societal(member, payoffs=PUBLISHED, **changed) -> float:
    game = Sanction()
    log = game.rehearse(scenario(payoffs, **changed), member, seed=1)
    assert sum(event["kind"] == "dyad" for event in log) == 50
    return game.metrics(log)["societal_reward"]


def erring(punishers: int, share: float) -> float:
    """All cooperate; each punisher errs with this share: 100 players a fine and a -10 each."""
    per_error = PUBLISHED.punishing("C") - PUBLISHED.fine
    return societal(Rule) + 50 * 2 * punishers * share * per_error


def checks() -> list[Check]:
    found: list[Check] = []
    for k in (0, 1, 2):
        rows = [("C", "C", 3), ("C", "D", 0), ("D", "C", 4 - 3 * k), ("D", "D", 1 - 3 * k)]
        for own, other, expected in rows:
            found.append((f"S1 {own}/{other} k={k}", PUBLISHED.stage(own, other, k), expected))
    found += [
        ("S1 just", PUBLISHED.punishing("D"), 2),
        ("S1 unjust", PUBLISHED.punishing("C"), -10),
        ("S1 just, costly", COSTLY.punishing("D"), -3),
        ("S1 unjust, costly", COSTLY.punishing("C"), -10),
        ("S2 all C", societal(Rule), 300),
        ("S2 all D", societal(AllD), 100),
        ("S2 all D punished, k=1", societal(Punishing, third=False), 0),
        ("S2 all D punished, k=2", societal(Punishing), -100),
        ("S2 all D punished, costly, k=1", societal(Punishing, COSTLY, third=False), -500),
        ("S2 all D punished, costly, k=2", societal(Punishing, COSTLY), -1100),
        ("S3 k=1", erring(1, 0.1), 170),
        ("S3 k=2", erring(2, 0.1), 40),
    ]
    return found
