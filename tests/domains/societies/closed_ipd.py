"""Known answers of `ipd`: matches of 200 turns, a round robin, and when reciprocity invades."""

from itertools import combinations

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.ipd import EIGHT, PUBLISHED, Ipd, invasion_threshold
from metasearch.domains.societies.ipd.metrics import sides

Check = tuple[str, float, float]  # name, found, expected

TURNS = 200

MATCHES = {
    ("tft", "tft"): (600, 600),
    ("tft", "alld"): (199, 204),
    ("allc", "alld"): (0, 1000),
    ("alld", "alld"): (200, 200),
    ("grim", "alt"): (597, 107),
    ("tft", "alt"): (498, 503),
    ("wsls", "alld"): (100, 600),
    ("wsls", "alt"): (450, 450),
    ("tf2t", "alld"): (198, 208),
    ("tf2t", "alt"): (300, 800),
    ("alt", "alt"): (400, 400),
}
ROUND_ROBIN = {
    "grim": 2.6633,
    "tft": 2.5808,
    "wsls": 2.4583,
    "tf2t": 2.4150,
    "alld": 2.3467,
    "alt": 2.3000,
    "allc": 2.2500,
}


def scenario(*seats, turns=TURNS, noise=0.0, payoffs=PUBLISHED, setting="mixed"):
    """Return a match of the published game."""
    constants = {
        "surface": "Two of you.",
        "names": ["A", "B"],
        "payoffs": payoffs.to_json(),
        "turns": turns,
        "noise": noise,
    }
    return Scenario(setting, seats, constants)


def points(one: str, other: str, turns: int = TURNS) -> tuple[float, float]:
    """Return both bots' totals of one match, by playing it."""
    log = Ipd().rehearse(scenario(one, other, turns=turns), EIGHT["allc"])
    first, second = (round(side.per_turn(PUBLISHED) * turns, 9) for side in sides(log))
    return first, second


def mixed(share: float, who: str) -> float:
    """Return the mean total of `who` among so many tit for tats, the rest always defecting."""
    return share * points(who, "tft")[0] + (1 - share) * points(who, "alld")[0]


def checks() -> list[Check]:
    found: list[Check] = []
    for (one, other), expected in MATCHES.items():
        first, second = points(one, other)
        found.append((f"{one}-{other}, {one}", first, expected[0]))
        found.append((f"{one}-{other}, {other}", second, expected[1]))
    totals = dict.fromkeys(ROUND_ROBIN, 0.0)
    for one, other in combinations(ROUND_ROBIN, 2):
        for name, gained in zip((one, other), points(one, other), strict=True):
            totals[name] += gained
    for name, expected in ROUND_ROBIN.items():
        per_turn = totals[name] / (len(ROUND_ROBIN) - 1) / TURNS
        found.append((f"round robin, {name}", round(per_turn, 4), expected))
    threshold = invasion_threshold(PUBLISHED, TURNS)
    found += [
        ("invasion of tft from", round(threshold, 5), 0.00252),
        ("1 / (2 n - 3)", threshold, 1 / (2 * TURNS - 3)),
        ("tft invades at .0025", mixed(0.0025, "tft") > mixed(0.0025, "alld"), 0),
        ("tft invades at .0026", mixed(0.0026, "tft") > mixed(0.0026, "alld"), 1),
    ]
    return found
