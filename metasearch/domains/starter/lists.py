"""Questions about a short list of numbers."""

from __future__ import annotations

import random

from metasearch.domains.starter.draft import Draft

__all__ = ["countif", "sortnum"]

_RANKS = ("smallest", "second smallest", "third smallest", "second largest", "largest")
_COUNTED = 7


def countif(rng: random.Random, number: int) -> Draft:
    """How many of seven numbers exceed a bound; the answers 1 to 6 take turns."""
    above = 1 + number % (_COUNTED - 1)
    bound = rng.randint(20, 80)
    numbers = rng.sample(range(bound + 1, 100), above)
    numbers += rng.sample(range(1, bound + 1), _COUNTED - above)
    rng.shuffle(numbers)
    return Draft(f"How many of the numbers {_listed(numbers)} are greater than {bound}?", above)


def sortnum(rng: random.Random, number: int) -> Draft:
    """Which of five numbers has a given rank; the ranks take turns."""
    numbers = rng.sample(range(10, 100), len(_RANKS))
    rank = number % len(_RANKS)
    return Draft(
        f"Which is the {_RANKS[rank]} of the numbers {_listed(numbers)}?", sorted(numbers)[rank]
    )


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)
