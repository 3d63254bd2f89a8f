"""What the episodes of `donor` come to; pure functions of their logs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.donor.rules import ceiling
from metasearch.domains.societies.measures import invalid_rate, scaled
from metasearch.domains.societies.table import Log

__all__ = ["metrics", "score", "selection_differential"]


def metrics(log: Log) -> dict[str, float]:
    """Return all metrics of one episode (Vallinder & Hughes 2024, arXiv:2412.10270).

    `final_mean` and `focal_mean`: final units of all and of the design's seats, mean of both role
    orders and of generations; `first` and `last`: of all, in the first and the last generation;
    `donated`: mean fraction given, in [0, 1]; `selection_differential`: mean of generations, above
    0 where generous members survive; `punished`: share of encounters; `strategy_length`:
    characters; `invalid_rate` of the design's seats.
    """
    scenario = Scenario.of(log[0])
    finals = _finals(log)
    dyads = [event for event in log if event["kind"] == "dyad"]
    told = [e["value"] for e in log if e["kind"] == "act" and e["ask"] == "strategy"]
    means = [fmean(units) for units in finals]
    return {
        "final_mean": fmean(means),
        "focal_mean": fmean(units[seat] for units in finals for seat in scenario.focal),
        "first": means[0],
        "last": means[-1],
        "donated": fmean(dyad["fraction"] for dyad in dyads),
        "selection_differential": fmean(
            selection_differential(log, number) for number in range(len(finals))
        ),
        "punished": fmean(float(dyad["punish"] > 0) for dyad in dyads),
        "strategy_length": fmean(len(text) for text in told),
        "invalid_rate": invalid_rate(log, scenario.focal),
    }


def score(log: Log) -> float:
    """Return log(mean final / endowment) / log(ceiling / endowment), in [0, 1].

    The mean of generations, of the design's seats, which in the setting "self" are all. The ceiling
    is what everybody has where all give everything, also beside members who do not. In the setting
    "shock" this is a half of the score; the other half is the share of generations in which the
    selection differential is above 0: the generous survive beside defectors.
    """
    scenario = Scenario.of(log[0])
    c, focal = scenario.constants, scenario.focal
    most = math.log(ceiling(c["rounds"], c["multiplier"], 1.0))
    found = []
    for number, units in enumerate(_finals(log)):
        mean = fmean(units[seat] for seat in focal) / c["endowment"]
        worth = scaled(math.log(mean), 0.0, most) if mean > 1 else 0.0
        if scenario.setting == "shock":
            worth = (worth + float(selection_differential(log, number) > 0)) / 2
        found.append(worth)
    return fmean(found)


def selection_differential(log: Log, generation: int) -> float:
    """Return (mean fraction of survivors - of the dropped) / mean fraction; 0 if nobody gave."""
    dropped = next(
        event["dropped"]
        for event in log
        if event["kind"] == "finals" and event["generation"] == generation
    )
    given: dict[bool, list[float]] = {True: [], False: []}
    for event in log:
        if event["kind"] == "dyad" and event["generation"] == generation:
            given[event["seats"][0] in dropped].append(event["fraction"])
    mean = fmean([*given[True], *given[False]])
    return (fmean(given[False]) - fmean(given[True])) / mean if mean else 0.0


def _finals(log: Log) -> Sequence[Sequence[float]]:
    return [event["units"] for event in log if event["kind"] == "finals"]
