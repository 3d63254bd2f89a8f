"""The score of a design that may be quoted, the same wherever one is named.

The best of many noisy scores is too high. So a winner's score is the first of these that there is:

1. its mean on the sealed test, which has no part in any choice;
2. its mean of fresh samples of validation, less what being the best of the finalists adds;
3. its mean of the samples that ranked it, drawn towards the other designs' by their noise;
4. that mean itself, where the designs are too few to say how much it flatters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metasearch.report.facts import Scored
from metasearch.report.shrinkage import believed_score
from metasearch.report.words import score
from metasearch.stats import score_interval, winner_score

__all__ = ["Samples", "alike", "complete", "scored", "told"]

Scores = Mapping[str, float]

MEANING = {
    "test": "on the sealed test",
    "fresh": "by fresh samples of validation, less what being chosen by them adds",
    "shrunk": "on validation, drawn towards the other designs, for these samples chose it",
    "ranking": "on validation, by samples that chose it: it may be flattered",
}


def alike(first: Mapping[int, Scores], fresh: Mapping[int, Scores]) -> bool:
    """Say whether every score of the second evaluation is that of the first.

    A model that answers alike each time gives no fresh samples: what was lucky is lucky again.
    """
    return bool(fresh) and all(
        first.get(number, {}).get(task) == score
        for number, scores in fresh.items()
        for task, score in scores.items()
    )


def complete(number: int, first: Mapping[int, Scores], fresh: Mapping[int, Scores]) -> bool:
    """Say whether a design has fresh samples of all the tasks that it met before."""
    return number in fresh and fresh[number].keys() >= first.get(number, {}).keys()


@dataclass(frozen=True, slots=True)
class Samples:
    """The scores of a search's designs, by number and then by task.

    Attributes:
        first: on validation, of the samples that rank.
        fresh: of those that were drawn after the ranking.
        sealed: on the test.
        whole: new designs that met all of validation.
        test_tasks: tasks of the test split.
    """

    first: Mapping[int, Scores]
    fresh: Mapping[int, Scores]
    sealed: Mapping[int, Scores]
    whole: Collection[int]
    test_tasks: int

    def headline(self, number: int) -> Scored:
        """Return the score of a design that may be quoted.

        Args:
            number: of a design that met validation tasks.
        """
        sealed = self.sealed.get(number, {})
        if sealed and len(sealed) >= self.test_tasks:
            return scored(sealed, "test")
        return self.validation(number)

    def validation(self, number: int) -> Scored:
        """Return a design's validation score as it may be told."""
        finalists = self._finalists()
        if number in finalists:
            plain = scored(self.fresh[number], "fresh")
            means = {one: _mean(self.fresh[one]) for one in finalists}
            is_best = means[number] >= max(means.values())
            return self._unchosen(plain, finalists) if is_best else plain
        own = self.first[number]
        belief = None
        if number in self.whole:
            belief = believed_score(number, {one: self.first[one] for one in self.whole})
        if belief is None:
            return scored(own, "ranking")
        return Scored(belief.mean, belief.low, belief.high, len(own), "shrunk")

    def _finalists(self) -> list[int]:
        """Return whose fresh samples are complete, and say something new."""
        if alike(self.first, self.fresh):
            return []
        return [one for one in sorted(self.whole) if complete(one, self.first, self.fresh)]

    def _unchosen(self, plain: Scored, finalists: Sequence[int]) -> Scored:
        """Take off again what being the best of the finalists adds to a fresh score."""
        scores = [self.fresh[number] for number in finalists]
        shared = sorted(set.intersection(*(set(one) for one in scores)))
        if len(scores) < 2 or len(shared) < 2:
            return plain
        found = winner_score(np.array([[one[task] for task in shared] for one in scores]))
        shift = found.mean - found.seen
        low, high = max(0.0, plain.low + shift), max(0.0, plain.high + shift)
        return plain._replace(mean=max(0.0, plain.mean + shift), low=low, high=high)


def scored(scores: Scores, kind: str) -> Scored:
    """Return the mean over tasks with its interval."""
    found = score_interval(list(scores.values()))
    return Scored(found.mean, found.low, found.high, len(scores), kind)


def told(found: Scored) -> str:
    """Say a score with its interval, and what it means."""
    return f"{score(found.mean)} [{score(found.low)}, {score(found.high)}] {MEANING[found.kind]}"


def _mean(scores: Scores) -> float:
    return sum(scores.values()) / len(scores)
