"""Searches whose truth is known: synthetic designs, and the decisions of the real search.

A design is what it is worth on each task: a probability to solve it. Whom a proposer starts from,
who is stopped, who plays the finals, who wins, what is claimed and which score is told is decided
by the very functions by which a search decides (`Clades.choose`, `hopeless`, `order`, `paired`,
`corrected`, `Samples`), so that a figure made here judges them and no copy. No model is asked and
no archive is written.

What is assumed of the world, and why:

- *Tasks* differ in difficulty: logit-normal with a deviation of `spread`. Most tasks of a benchmark
  are nearly always or nearly never solved, and 1.5 makes it so.
- *Designs* of one search behave alike (arXiv 2510.06711): what one is better at than others of its
  quality, `pattern`, varies less than the tasks do. Children keep most of it.
- *Quality*, in logits, is about that of the main parent, with a deviation of `step`: 0.35 is eight
  points in the middle of the scale. A draft is on average a little worse, `drift`: of 131 new
  designs in the published archives of Meta Agent Search (arXiv 2408.08435) 54 beat the best seed.
- *Growth*, what a design's children gain, is a property of its own that they inherit. Its score
  tells little of it: a design's score and what becomes of its clade correlate by 0.3 to 0.4
  (Huxley-Goedel Machine, arXiv 2510.21614). `fertility` is its deviation from parent to child.
- *Who sees the whole archive* follows any design of it, good or bad: with all of it in the prompt
  a meta agent did worse than with none of it (arXiv 2510.06711).
- *Noise* is drawn anew for each repeat; `drifting` makes the model better or worse for a race.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metasearch.report.evidence import LEVEL, corrected, paired
from metasearch.report.facts import Scored
from metasearch.report.headline import Samples
from metasearch.report.verdict import verdict
from metasearch.search.config import SearchSection
from metasearch.search.member import order
from metasearch.search.race import INCUMBENTS, hopeless
from metasearch.search.selector import Candidate, Selector

__all__ = ["Lineage", "Made", "Outcome", "Rules", "World", "search"]

Array = NDArray[np.float64]
Scores = Mapping[str, float]
IMPROVED = "more than luck"  # the words of `verdict` for a design that is better


@dataclass(frozen=True, slots=True)
class World:
    """What is true of tasks, designs and a proposer; deviations are in logits.

    Attributes:
        validation, test: tasks of each split.
        start: quality of the baselines.
        spread, pattern, step, drift, fertility, drifting: see above.
    """

    validation: int = 100
    test: int = 100
    start: float = 0.0
    spread: float = 1.5
    pattern: float = 0.7
    step: float = 0.35
    drift: float = -0.1
    fertility: float = 0.25
    drifting: float = 0.0


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a design hands on.

    Attributes:
        quality: in logits; on a task its difficulty is taken off.
        growth: what its children gain on average beside `World.drift`.
        pattern: (tasks,) what it is better at, in logits.
    """

    quality: float
    growth: float
    pattern: Array


@dataclass(slots=True)
class Made:
    """One design of a simulated search.

    Attributes:
        chances: (validation + test,) probability to solve each task.
        scores: of the validation tasks that it met.
        whole: it met all of them.
    """

    number: int
    parents: tuple[int, ...]
    lineage: Lineage
    chances: Array
    tokens: float
    scores: dict[str, float] = field(default_factory=dict)
    whole: bool = False

    def mean(self) -> float:
        """Return the mean score of the tasks that it met, in [0, 1]."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How a simulated search goes.

    Attributes:
        settings: designs, stages, race_alpha, repeats, finalists and final_repeats count.
        selector: None lets every design be written from a baseline, nothing learnt.
        crowd: True shows all designs: the child follows any of them.
    """

    settings: SearchSection
    selector: Selector | None = None
    crowd: bool = False
    baselines: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a simulated search came out.

    Attributes:
        made: every design, the baselines first.
        winner: by fresh samples; `leader` by those of the search.
        seed: the best baseline by the samples of the search.
        fresh: mean score on validation by fresh samples, of the winner and of that baseline.
        samples: all that a headline is made of, as the report has it.
        sealed: scores on the test tasks, of the same two.
        evaluations: of validation tasks, without the finals.
    """

    made: Sequence[Made]
    baselines: int
    winner: Made
    leader: Made
    seed: Made
    fresh: tuple[Scores, Scores]
    sealed: tuple[Scores, Scores]
    evaluations: int
    samples: Samples

    def headline(self, *, tested: bool = True) -> Scored:
        """Return the winner's score as it is told; without the test, as if it was not opened."""
        number = self.winner.number
        return self.samples.headline(number) if tested else self.samples.validation(number)

    @property
    def claims(self) -> bool:
        """True when the end of a run says of validation or test that a new design is better."""
        if self.winner is self.seed:
            return False
        tried = [one for one in self.made if one.number >= self.baselines]
        rivals = [one.scores for one in tried if one is not self.winner]
        p = corrected(self.fresh[0], rivals, self.fresh[1])
        return _claims(self.fresh, p) or _claims(self.sealed, None)


def _claims(pair: tuple[Scores, Scores], p: float | None) -> bool:
    """Say whether the words for this pair are those of an improvement."""
    if sum(pair[0].values()) <= sum(pair[1].values()) or (p is not None and p >= LEVEL):
        return False  # spares the interval, which these words do not need
    found = paired(*pair)
    return found is not None and verdict(found, p) == IMPROVED


def search(world: World, rules: Rules, seed: int, *, children: bool = True) -> Outcome:
    """Run one search.

    Args:
        children: False makes every design worth the same as the baselines: nothing can be found.
    """
    return _Run(world, rules, np.random.default_rng(seed), random.Random(seed), children).run()


@dataclass(slots=True)
class _Run:
    world: World
    rules: Rules
    rng: np.random.Generator
    choice: random.Random
    children: bool
    made: list[Made] = field(default_factory=list)
    evaluations: int = 0
    names: list[str] = field(default_factory=list)
    difficulty: Array = field(default_factory=lambda: np.zeros(0))

    def run(self) -> Outcome:
        world, rules = self.world, self.rules
        self.names = [f"v{number:05d}" for number in range(world.validation)]
        self.difficulty = self.rng.normal(0, world.spread, world.validation + world.test)
        for number in range(rules.baselines):
            lineage = Lineage(world.start, 0.0, self._pattern())
            self._meet(self._enter(number, (), lineage), [])
        for number in range(rules.baselines, rules.baselines + rules.settings.designs):
            incumbents = [one.scores for one in self._leading(self.made, INCUMBENTS)]
            self._meet(self._propose(number), incumbents)
        return self._end()

    def _propose(self, number: int) -> Made:
        parents = self._parents()
        world, main = self.world, self.made[parents[0]].lineage
        if not self.children:
            return self._enter(number, parents, main)
        growth = main.growth + self.rng.normal(0, world.fertility) * 0.5
        quality = main.quality + self.rng.normal(world.drift + growth, world.step)
        fresh = self._pattern()
        return self._enter(
            number, parents, Lineage(quality, growth, 0.8 * main.pattern + 0.6 * fresh)
        )

    def _parents(self) -> tuple[int, ...]:
        """Choose as the search does; who sees all designs follows any of them."""
        if self.rules.crowd:
            return (self.choice.randrange(len(self.made)),)
        if self.rules.selector is None:
            return (self.choice.randrange(self.rules.baselines),)
        candidates = [Candidate(one.number, one.parents, one.scores) for one in self.made]
        return tuple(self.rules.selector.choose(candidates, 2, self.choice))

    def _pattern(self) -> Array:
        if not self.children:
            return np.zeros(len(self.difficulty))
        return self.rng.normal(0, self.world.pattern, len(self.difficulty))

    def _enter(self, number: int, parents: tuple[int, ...], lineage: Lineage) -> Made:
        logits = lineage.quality + lineage.pattern - self.difficulty
        tokens = float(np.exp(self.rng.normal(0, 0.5)))
        one = Made(number, parents, lineage, 1 / (1 + np.exp(-logits)), tokens)
        self.made.append(one)
        return one

    def _answers(self, one: Made, repeats: int) -> Array:
        """Return (tasks,) mean scores over repeats, of all tasks of both splits."""
        chances = one.chances
        if self.world.drifting:
            logits = np.log(chances / (1 - chances)) + self.rng.normal(0, self.world.drifting)
            chances = 1 / (1 + np.exp(-logits))
        return np.asarray(self.rng.binomial(repeats, chances) / repeats)

    def _meet(self, one: Made, incumbents: Sequence[Mapping[str, float]]) -> None:
        settings = self.rules.settings
        answers = self._answers(one, settings.repeats).tolist()
        sizes = settings.stage_sizes(len(self.names))
        for size in sizes:
            one.scores = dict(zip(self.names[:size], answers, strict=False))
            alpha = settings.race_alpha
            if size < sizes[-1] and hopeless(one.scores, incumbents, order=self.names, alpha=alpha):
                break
        one.whole = len(one.scores) == len(self.names)
        self.evaluations += len(one.scores) * settings.repeats

    def _leading(self, made: Sequence[Made], count: int) -> list[Made]:
        return _best(made, count, Made.mean)

    def _end(self) -> Outcome:
        """Play the finals and open the test, as `finals.Finals` and `loop.Search` do."""
        rules, size = self.rules, len(self.names)
        new = self.made[rules.baselines :]
        (seed,) = self._leading(self.made[: rules.baselines], 1)
        finalists = self._leading(new, max(1, rules.settings.finalists)) or [seed]
        leader = finalists[0]
        players = {one.number: one for one in (*finalists, seed)}
        fresh = {number: self._fresh(one) for number, one in players.items()}
        mean = {number: float(np.mean(list(one.values()))) for number, one in fresh.items()}
        (winner,) = _best(list(players.values()), 1, lambda one: mean[one.number])
        sealed = [
            self._answers(one, rules.settings.repeats)[size:].tolist() for one in (winner, seed)
        ]
        names = [f"t{number:05d}" for number in range(self.world.test)]
        tested = [dict(zip(names, one, strict=True)) for one in sealed]
        return Outcome(
            made=self.made,
            baselines=rules.baselines,
            winner=winner,
            leader=leader,
            seed=seed,
            fresh=(fresh[winner.number], fresh[seed.number]),
            sealed=(tested[0], tested[1]),
            evaluations=self.evaluations,
            samples=Samples(
                first={one.number: one.scores for one in self.made},
                fresh=fresh,
                sealed={winner.number: tested[0]},
                whole=[one.number for one in new if one.whole],
                test_tasks=self.world.test,
            ),
        )

    def _fresh(self, one: Made) -> Scores:
        answers = self._answers(one, self.rules.settings.final_repeats)[: len(self.names)].tolist()
        return dict(zip(self.names, answers, strict=True))


def _best(made: Sequence[Made], count: int, mean: Callable[[Made], float]) -> list[Made]:
    whole = [one for one in made if one.whole]
    return sorted(whole, key=lambda one: order(mean(one), 0.0, one.tokens, one.number))[:count]
