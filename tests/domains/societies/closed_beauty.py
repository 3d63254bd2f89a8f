"""Known values of the p-beauty contest (Pan et al. 2024, arXiv:2407.17789) and of archetypes."""

from __future__ import annotations

from statistics import fmean

from metasearch.domains.societies.archetypes import Archetypes, standard_error
from metasearch.domains.societies.beauty import best_reply, equilibrium, level

TWO_THIRDS = 2 / 3


def checks() -> list[tuple[str, float, float]]:
    """(name, found, expected), rounded as they are printed."""
    found = [
        ("beauty equilibrium for r < 1", equilibrium(TWO_THIRDS, 0), 0.0),
        ("beauty equilibrium of 5 + m/2", equilibrium(0.5, 5), 10.0),
        ("beauty target of uniform players", round(level(1, TWO_THIRDS, 0, 50), 1), 33.3),
    ]
    for factor, values, digits in [
        (TWO_THIRDS, (33.33, 22.22, 14.81, 9.88), 2),
        (0.5, (25, 12.5, 6.25), 2),
        (0.51, (25.5, 13.0, 6.63), 2),
    ]:
        for k, value in enumerate(values, 1):
            # 13.005 is printed as 13.0
            places = 1 if value == 13.0 else digits
            name = f"beauty level {k} at r={factor:.2f}"
            found.append((name, round(level(k, factor, 0, 50), places), value))
    mixed = fmean(level(k, TWO_THIRDS, 0, 50) for k in range(4))
    found += [
        ("beauty mean of levels 0-3", round(mixed, 2), 30.09),
        ("beauty target of levels 0-3", round(TWO_THIRDS * mixed, 2), 20.06),
    ]
    for people, mean in ((2, 40.0), (12, 33.0)):
        own = best_reply(TWO_THIRDS, mean, people)
        formula = TWO_THIRDS * (people - 1) * mean / (people - TWO_THIRDS)
        target = TWO_THIRDS * ((people - 1) * mean + own) / people
        found += [
            (f"beauty best reply of {people}", round(own, 9), round(formula, 9)),
            (f"beauty best reply of {people} is its own target", round(own, 9), round(target, 9)),
        ]
    for answers, error in ((1, 0.5), (3, 0.289), (10, 0.158)):
        name = f"archetypes standard error, M={answers}"
        found.append((name, round(standard_error(0.5, answers), 3), error))
    groups = Archetypes.by(["a", "b", "a", "c"] * 250)
    found.append(("archetypes calls of 3 prompts, M=3", float(groups.calls(3)), 9.0))
    return found
