"""Is the search honest, and does it save? On simulated searches whose truth is known.

Every decision is made by the functions of the real search; see `metasearch.testing.simulator` for
what is assumed of the world and why. Seeds are fixed: a figure is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean

import numpy as np

from metasearch.search.config import SearchSection
from metasearch.search.selector import Clades
from metasearch.testing.simulator import Made, Outcome, Rules, World, search
from metasearch.types import Json

NULL, QUICK_NULL = 2_000, 40
INFLATION, QUICK_INFLATION = 400, 12
RACES, QUICK_RACES = 200, 6
SELECTIONS, QUICK_SELECTIONS = 200, 6
GAIN = 10.0  # points; honest gains of published searches are 1 to 14
MOST = 80  # proposals; who needs more counts as one more, which favours the others
# Three worlds in turn: nothing correlates but the tasks, designs with patterns, a drifting model.
NULL_WORLDS = (World(), World(spread=0.5), World(drifting=0.1))


def settings(**changes: object) -> SearchSection:
    """Return a search as it is configured where nothing is said, with finals and 40 designs."""
    return SearchSection.model_validate({"designs": 40, "finalists": 3, **changes})


def null_archive(quick: bool) -> dict[str, Json]:
    """Searches in which all designs are equal, and the share in which an improvement is claimed."""
    count = QUICK_NULL if quick else NULL
    rules = Rules(settings())
    claimed = sum(
        search(NULL_WORLDS[seed % len(NULL_WORLDS)], rules, seed, children=False).claims
        for seed in range(count)
    )
    share = claimed / count
    # So few searches of the quick form may be unlucky: three standard errors are allowed there.
    bound = 0.05 + (3 * (0.05 * 0.95 / count) ** 0.5 if quick else 0.0)
    return {
        "value": share,
        "bound": round(bound, 3),
        "unit": "share of searches among equal designs that claim an improvement",
        "holds": share <= bound,
        "searches": count,
        "claims": claimed,
    }


def winner_inflation(quick: bool) -> dict[str, Json]:
    """Points by which the winner's reported score is higher than its true one, on average.

    What is reported is the sealed test's score; of a search that has not opened its test, the fresh
    one. The worse of the two is the figure.
    """
    count = QUICK_INFLATION if quick else INFLATION
    found = [search(World(), Rules(settings(), Clades()), seed) for seed in range(count)]
    ways = {
        "sealed_test": [100 * one.headline().mean - _tested(one) for one in found],
        "fresh_samples": [
            100 * one.headline(tested=False).mean - _truth(one.winner, one.fresh[0])
            for one in found
        ],
    }
    naive = [100 * one.leader.mean() - _truth(one.leader, one.leader.scores) for one in found]
    plain = [_percent(one.fresh[0]) - _truth(one.winner, one.fresh[0]) for one in found]
    means = {name: fmean(points) for name, points in ways.items()}
    worst = max(means, key=lambda name: means[name])
    error = {name: float(np.std(points, ddof=1)) / count**0.5 for name, points in ways.items()}
    bound = 0.5 + (3 * error[worst] if quick else 0.0)
    return {
        "value": round(means[worst], 2),
        "bound": round(bound, 2),
        "unit": "points of 100 that the winner's reported score is above its true one",
        "holds": means[worst] < bound,
        "standard_error": round(error[worst], 2),
        **{name: round(mean, 2) for name, mean in means.items()},
        "plain_mean_of_fresh_samples_instead": round(fmean(plain), 2),
        "best_validation_score_instead": round(fmean(naive), 2),
        "searches": count,
    }


def _percent(scores: Mapping[str, float]) -> float:
    return 100 * fmean(scores.values())


def _truth(one: Made, scores: Mapping[str, float]) -> float:
    """Return the true score on the validation tasks, in points."""
    return 100 * float(one.chances[: len(scores)].mean())


def _tested(one: Outcome) -> float:
    return 100 * float(one.winner.chances[len(one.fresh[0]) :].mean())


def racing_savings(quick: bool) -> dict[str, Json]:
    """Evaluations that full evaluation takes for one of racing, where both find a design as good.

    Designs and answers of a seed are the same for both. 1,000 tasks, four times each, are what full
    evaluation needs to tell designs apart that are a point away from each other.
    """
    count = QUICK_RACES if quick else RACES
    world = World(validation=1_000, test=0)
    raced, full = (
        Rules(settings(repeats=4, final_repeats=4)),
        Rules(settings(repeats=4, final_repeats=4, stages=("all",))),
    )
    pairs = [(search(world, raced, seed), search(world, full, seed)) for seed in range(count)]
    ratio = sum(two.evaluations for _, two in pairs) / sum(one.evaluations for one, _ in pairs)
    near, near_full = (fmean(_regret(pair[side]) <= 1.0 for pair in pairs) for side in (0, 1))
    return {
        "value": round(ratio, 2),
        "bound": 4.0,
        "unit": "x fewer evaluations than full evaluation",
        "holds": ratio >= 4.0 and near >= (0.95 if not quick else 0.8),
        "within_a_point_of_the_best": round(near, 3),
        "full_evaluation_within_a_point": round(near_full, 3),
        "searches": count,
    }


def _regret(found: Outcome) -> float:
    """Return the points that the winner's true score is below the best one's."""
    size = len(found.fresh[0])
    true = [float(one.chances[:size].mean()) for one in found.made]
    return 100 * (max(true) - float(found.winner.chances[:size].mean()))


def selection_savings(quick: bool) -> dict[str, Json]:
    """Proposals until a design is `GAIN` points better than the baselines, for one of ours."""
    count = QUICK_SELECTIONS if quick else SELECTIONS
    ways = {
        "clades_and_front": lambda many: Rules(many, Clades()),
        "whole_archive": lambda many: Rules(many, crowd=True),
        "independent": Rules,
    }
    taken = {
        name: [_proposals(rules, seed) for seed in range(count)] for name, rules in ways.items()
    }
    means = {name: fmean(numbers) for name, numbers in taken.items()}
    own = means.pop("clades_and_front")
    ratio = min(means.values()) / own
    return {
        "value": round(ratio, 2),
        "bound": 2.0,
        "unit": "x fewer proposals than the better of whole archive and independent sampling",
        "holds": ratio >= 2.0,
        "proposals": round(own, 1),
        **{f"proposals_{name}": round(mean, 1) for name, mean in means.items()},
        "never_reached": {
            name: sum(number > MOST for number in numbers) for name, numbers in taken.items()
        },
        "searches": count,
    }


def _proposals(rules: Callable[[SearchSection], Rules], seed: int) -> int:
    """Return how many proposals it took; one more than `MOST` where none was good enough.

    A longer search begins as a shorter one, which mostly is enough.
    """
    for most in (MOST // 4, MOST):
        found = search(World(), rules(settings(designs=most)), seed)
        true = [100 * float(one.chances.mean()) for one in found.made]
        wanted = max(true[: found.baselines]) + GAIN
        for place, one in enumerate(true[found.baselines :], 1):
            if one >= wanted:
                return place
    return MOST + 1
