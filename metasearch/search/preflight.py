"""Before the money goes: is there something to find here, and would it be seen?

A short pilot: the two cheapest baselines meet a few training tasks, and then the first validation
tasks. These are the evaluations with which the search begins anyway, so the pilot costs nothing
that would not have been spent a minute later, and finds nothing that the search could not know.
Where everything is solved it goes on to more tasks, to be sure.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from metasearch.archive.store import Archive
from metasearch.domains.constant import Constant, best_constant
from metasearch.domains.splits import FEWEST, too_few
from metasearch.errors import ConfigError
from metasearch.gateway.base import RecordMode
from metasearch.gateway.prices import Price
from metasearch.search.config import SearchConfig
from metasearch.search.events import Note
from metasearch.search.measure import Measurer, all_of
from metasearch.search.member import Member
from metasearch.search.outage import Interrupted
from metasearch.search.workload import Costs, planned
from metasearch.stats import detectable_difference, detectable_shift, is_graded
from metasearch.types import FRESH, Design, Evaluation, Json, Outcome, Split, Task

__all__ = [
    "EVENT",
    "ONLY",
    "Findings",
    "Pilot",
    "Preflight",
    "Wanted",
    "detectable",
    "left_out",
    "static",
    "told",
]

ONLY = "only the preflight was asked for"
EVENT = "preflight"  # kind of its line in the log: the findings as JSON
PILOTS = ("direct", "chain_of_thought")
TRAINING, FIRST, MORE, MOST = 3, 10, 10, 30  # tasks: of training, then of validation
SATURATED = 0.97
SURE = 20  # tasks; fewer that are all solved may be luck
LITTLE = 0.10  # head-room
HIGH_FLOOR = 0.25  # below it, a weak model on few tasks is as good as a constant answer by chance
DISCORDANCE = 0.3  # tasks on which two designs differ, where nothing is measured
PRIOR = 10  # tasks that this guess is worth
FEW_DESIGNS = 3
SHOWN = 60  # characters of an answer or an error


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of it.

    Attributes:
        run: False leaves it out.
        force: a refusal becomes a warning.
        only: the search ends after it.
    """

    run: bool = True
    force: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True)
class Pilot:
    """What one baseline did.

    Attributes:
        mean: score in [0, 1] over `tasks` tasks.
        answered: evaluations that ended in a readable answer, of `evaluations`.
        failure: the most frequent other outcome with the first error of it, "" if none.
        tokens: of one evaluation.
        scores: by task id, the mean over repeats.
    """

    name: str
    tasks: int
    mean: float
    evaluations: int
    answered: int
    failure: str
    tokens: float
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known before the search begins.

    Attributes:
        floor: the best constant answer and its score on training tasks.
        sizes: tasks of each split.
        pilots: empty before the pilot.
        discordance: share of the tasks on which the pilots differ, mixed with a guess.
        spread: standard deviation of their differences by task, where answers are graded; None
            where they are right or wrong.
        tokens, dollars: of the whole search: low, typical, high; empty before the pilot.
        refusals, warnings: one line each, with what to do.
    """

    floor: Constant
    sizes: Mapping[str, int]
    pilots: tuple[Pilot, ...] = ()
    discordance: float = DISCORDANCE
    spread: float | None = None
    tokens: tuple[float, ...] = ()
    dollars: tuple[float, ...] = ()
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def headroom(self) -> float:
        """What is left above the better pilot, in [0, 1]; above the floor before the pilot."""
        return 1.0 - max([one.mean for one in self.pilots] or [self.floor.score])

    def detectable(self, split: Split) -> float | None:
        """Return the smallest difference that a split can show; None where it can show none."""
        if self.spread is not None and self.sizes[split] > 1:
            return detectable_shift(self.sizes[split], self.spread)
        return detectable(self.sizes[split], self.discordance)

    def noise(self) -> float:
        """Return the standard error of one design's validation score, in score."""
        p = min(max(1.0 - self.headroom, 0.05), 0.95)
        variance = p * (1 - p)
        if self.spread is not None:
            best = max(self.pilots, key=lambda one: one.mean)
            variance = statistics.pvariance(best.scores.values())
        return math.sqrt(variance / self.sizes[Split.VALIDATION])

    def lines(self) -> list[str]:
        """Say it for people, without the refusals and warnings."""
        constant = json.dumps(self.floor.answer, default=str, ensure_ascii=False)
        tried = "; ".join(f"{one.name} {one.mean:.2f}" for one in self.pilots)
        told = [f"{tried} on {self.pilots[0].tasks} tasks"] if self.pilots else []
        told.append(f"always answering {_short(constant)} scores {self.floor.score:.2f}")
        smallest = [
            f"{self.sizes[split]} {split} tasks "
            + ("can show no difference" if found is None else f"show a difference of {found:.2f}")
            for split in (Split.VALIDATION, Split.TEST)
            for found in (self.detectable(split),)
        ]
        lines = [
            f"preflight: {', '.join(told)}; head-room {self.headroom:.2f}",
            f"preflight: {', '.join(smallest)} (80 % power); one score is sure within "
            f"{1.96 * self.noise():.2f}",
        ]
        if self.tokens:
            tokens, dollars = self.tokens, self.dollars
            money = f", ${dollars[1]:.2f} (${dollars[0]:.2f} to ${dollars[2]:.2f})"
            lines.append(
                f"preflight: the whole search takes about {tokens[1]:,.0f} tokens "
                f"({tokens[0]:,.0f} to {tokens[2]:,.0f}){money if any(dollars) else ''}"
            )
        return lines

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON, with the verdict."""
        return {
            "verdict": "refuse" if self.refusals else "warn" if self.warnings else "go",
            "floor": {"answer": self.floor.answer, "score": self.floor.score},
            "headroom": self.headroom,
            "noise": self.noise(),
            "detectable": {
                str(one): self.detectable(one) for one in (Split.VALIDATION, Split.TEST)
            },
            "discordance": self.discordance,
            "spread": self.spread,
            "sizes": dict(self.sizes),
            "pilots": [{**asdict(one), "scores": dict(one.scores)} for one in self.pilots],
            "tokens": list(self.tokens),
            "dollars": list(self.dollars),
            "refusals": list(self.refusals),
            "warnings": list(self.warnings),
            "lines": self.lines(),
        }


def detectable(tasks: int, discordance: float) -> float | None:
    """Return the smallest true difference of two designs that so many tasks show in 4 of 5 cases.

    Args:
        tasks: on which both designs are compared.
        discordance: share of the tasks on which they differ, in (0, 1]; two designs that are
            further apart differ on more, so where even a win on each of these tasks would not be
            seen, a larger share is taken.

    Returns:
        A difference of mean scores in (0, 1]; None where no result at all can be told from luck.
    """
    for share in (discordance, *(step / 20 for step in range(1, 21) if step / 20 > discordance)):
        found = detectable_difference(tasks, share)
        if found is not None:
            return found
    return None


def static(floor: Constant, sizes: Mapping[str, int]) -> Findings:
    """Return what can be said without asking a model."""
    few = too_few(sizes)
    refusals = [few] if few else []
    if floor.score >= SATURATED:
        text = (
            f"always answering {_short(json.dumps(floor.answer, default=str))} scores "
            f"{floor.score:.2f} on the training tasks: there is nothing to find; add tasks with "
            "other answers, or look at the scorer"
        )
        if sizes[Split.TRAIN] >= FEWEST:
            refusals.append(text)
    return Findings(floor, dict(sizes), refusals=tuple(refusals))


def left_out(archive: Archive, search_id: str) -> None:
    """Write down that the user wants no preflight, for when the search is resumed."""
    archive.add_event(search_id, EVENT, json.dumps({"verdict": "left out", "passed": True}))


def told(archive: Archive, search_id: str) -> dict[str, Json]:
    """Return the findings of the last preflight of a search, see `Findings.to_json`.

    Raises:
        ConfigError: there was none.
    """
    found = [json.loads(one.text) for one in archive.events(search_id) if one.kind == EVENT]
    if not found:
        raise ConfigError(f"search {search_id} has had no preflight; --preflight-only makes one")
    return dict(found[-1])


@dataclass(slots=True)
class Preflight:
    """Runs the pilot at the start of a search, once in its life.

    Attributes:
        price: of a token of the model that designs ask, and of the one that writes them.
        seeds: designs that the search starts from.
    """

    config: SearchConfig
    measurer: Measurer
    price: tuple[Price, Price]
    seeds: int
    wanted: Wanted = field(default_factory=Wanted)

    async def check(self, members: Mapping[int, Member]) -> None:
        """Look, say what is seen, and refuse a search that cannot find anything.

        Args:
            members: of the search; the baselines have their rows.

        Raises:
            ConfigError: the search is refused.
            Interrupted: only the preflight was asked for, or somebody asked to stop.
            BudgetExhausted, Unavailable: as an evaluation raises them.
        """
        if not self._is_done(members):
            await self._look([members[number] for number in range(self.seeds)])
        if self.wanted.only:
            raise Interrupted(ONLY)

    async def _look(self, baselines: Sequence[Member]) -> None:
        if not self.wanted.run:
            left_out(self.measurer.archive, self.measurer.search_id)
            return
        tasks = self.measurer.tasks
        domain = self.measurer.evaluator.domain
        sizes = {str(split): len(tasks[split]) for split in Split}
        found = static(best_constant(domain, tasks[Split.TRAIN]), sizes)
        if not found.refusals or self.wanted.force:
            found = self._judged(found, await self._flown(baselines))
        self._tell(found)
        if found.refusals and not (self.wanted.force or self.wanted.only):
            raise ConfigError(f"preflight: {'; '.join(found.refusals)}; --force goes on anyway")

    def _is_done(self, members: Mapping[int, Member]) -> bool:
        archive, search_id = self.measurer.archive, self.measurer.search_id
        texts = [one.text for one in archive.events(search_id) if one.kind == EVENT]
        passed = any(json.loads(text)["passed"] for text in texts)
        is_offline = self.config.record is RecordMode.REPLAY_ONLY  # nothing can be spent
        begun = len(members) > self.seeds or not self.config.search.designs  # none is wanted
        return passed or is_offline or begun

    async def _flown(self, members: Sequence[Member]) -> list[Pilot]:
        """Let the pilots meet tasks, more of them where everything is solved."""
        flying = _cheapest(members)
        tasks = self.measurer.tasks
        validation = tasks[Split.VALIDATION]
        train = tasks[Split.TRAIN][:TRAINING]
        await all_of(self.measurer.meet(one, Split.TRAIN, train) for one in flying)
        size = self.config.search.stage_sizes(len(validation))[0]
        size, most = min(size, FIRST), min(MOST, len(validation))
        while True:
            met = validation[:size]
            await all_of(self.measurer.meet(one, Split.VALIDATION, met) for one in flying)
            found = [_pilot(one.design, self._evaluations(one), train, met) for one in flying]
            if size >= most or all(one.mean < SATURATED for one in found):
                return found
            size = min(size + MORE, most)

    def _evaluations(self, member: Member) -> list[Evaluation]:
        archive, search_id = self.measurer.archive, self.measurer.search_id
        return archive.evaluations(search_id, entry_id=member.entry_id)

    def _judged(self, found: Findings, flown: Sequence[Pilot]) -> Findings:
        """Add what the pilots tell."""
        if not flown:
            return found
        costs = _costs(flown, self.config.search.tokens_per_task)
        sizes = {split: found.sizes[split] for split in Split}
        plan = planned(self.config, self.seeds, sizes, self.price, costs)
        totals = [plan.total(rank) for rank in range(3)]
        judged = replace(
            found,
            pilots=tuple(flown),
            discordance=_discordance(flown),
            spread=_spread(flown),
            tokens=tuple(tokens for tokens, _ in totals),
            dollars=tuple(dollars for _, dollars in totals),
        )
        return replace(
            judged,
            refusals=(*found.refusals, *_refusals(judged)),
            warnings=(
                *found.warnings,
                *_warnings(judged, plan.affordable(self.config), self.config.search.designs),
            ),
        )

    def _tell(self, found: Findings) -> None:
        """Show it and write it down."""
        passed = self.wanted.force or not found.refusals
        for line in found.lines():
            self.measurer.display.show(Note(line))
        for line in (*(found.refusals if self.wanted.force else ()), *found.warnings):
            self.measurer.display.show(Note(f"preflight: {line}", "warning"))
        text = json.dumps({**found.to_json(), "passed": passed}, default=str)
        self.measurer.archive.add_event(self.measurer.search_id, EVENT, text)


def _cheapest(members: Sequence[Member]) -> list[Member]:
    """Return the baselines of the pilot; the first two designs where the user left them out."""
    named = [one for one in members if one.design is not None and one.design.name in PILOTS]
    return named or list(members[: len(PILOTS)])


def _pilot(
    design: Design | None,
    evaluations: Sequence[Evaluation],
    train: Sequence[Task],
    validation: Sequence[Task],
) -> Pilot:
    wanted = {(Split.TRAIN, task.id) for task in train}
    wanted |= {(Split.VALIDATION, task.id) for task in validation}
    met = [
        one
        for one in sorted(evaluations, key=lambda one: (one.split, one.task_id, one.repeat))
        if (one.split, one.task_id) in wanted and one.repeat < FRESH
    ]
    scores: dict[str, list[float]] = {}
    for one in met:
        scores.setdefault(one.task_id, []).append(one.score)
    means = {task: sum(each) / len(each) for task, each in sorted(scores.items())}
    failed = [one for one in met if one.outcome is not Outcome.ANSWERED]
    return Pilot(
        name=design.name if design else "",
        tasks=len(means),
        mean=sum(means.values()) / len(means),
        evaluations=len(met),
        answered=len(met) - len(failed),
        failure=_failure(failed),
        tokens=sum(one.usage.total for one in met) / len(met),
        scores=means,
    )


def _failure(failed: Sequence[Evaluation]) -> str:
    """Return the most frequent outcome, and the last line of the first error of it."""
    if not failed:
        return ""
    kind = Counter(str(one.outcome) for one in failed).most_common(1)[0][0]
    errors = [one.error for one in failed if str(one.outcome) == kind and one.error.strip()]
    return f"{kind}: {_short(errors[0].strip().splitlines()[-1])}" if errors else kind


def _discordance(flown: Sequence[Pilot]) -> float:
    """Return the share of tasks on which the pilots differ, drawn towards a guess."""
    first, last = flown[0].scores, flown[-1].scores
    shared = first.keys() & last.keys() if len(flown) > 1 else set()
    differing = sum(abs(first[task] - last[task]) for task in shared)
    return (differing + PRIOR * DISCORDANCE) / (len(shared) + PRIOR)


def _spread(flown: Sequence[Pilot]) -> float | None:
    """Return how much differences of graded scores vary; None where answers are right or wrong.

    Drawn towards what two designs would show that have nothing in common: the pilots may be alike
    by chance, and what is found later is another pair.
    """
    if not any(is_graded(list(one.scores.values())) for one in flown):
        return None
    first, last = flown[0].scores, flown[-1].scores
    unlike = sum(statistics.pvariance(each.values()) for each in (first, last))
    gaps = [first[task] - last[task] for task in first.keys() & last.keys()]
    seen = statistics.pvariance(gaps) if len(flown) > 1 and gaps else unlike
    return math.sqrt((len(gaps) * seen + PRIOR * unlike) / (len(gaps) + PRIOR))


def _costs(flown: Sequence[Pilot], most: int) -> Costs:
    """Return what evaluations may take: one call, a vote of three chains, a debate of twelve."""
    one, chain = min(each.tokens for each in flown), max(each.tokens for each in flown)
    low, typical, high = (min(float(most), cost) for cost in (one, 3 * chain, 12 * chain))
    return Costs((low, typical, high), source="the preflight")


def _refusals(found: Findings) -> list[str]:
    """Return why the search could not find anything, by what the pilots did."""
    best = max(found.pilots, key=lambda one: one.mean)
    if not any(one.answered for one in found.pilots):
        return [
            f"not one of {sum(one.evaluations for one in found.pilots)} evaluations of "
            f"{_names(found.pilots)} gave an answer that can be read (mostly {best.failure}): look "
            "at one with `metasearch trace`, and mend the model's settings or the scorer"
        ]
    seen_all = best.tasks >= found.sizes[Split.VALIDATION]
    if best.mean >= SATURATED and (best.tasks >= SURE or seen_all):
        return [
            f"the baseline {best.name} scores {best.mean:.2f} on {best.tasks} tasks already: a "
            "search cannot improve on that; take harder tasks or a smaller model"
        ]
    return []


def _warnings(found: Findings, affordable: int | None, wanted: int) -> list[str]:
    """Return what makes it hard to find something."""
    best = max(found.pilots, key=lambda one: one.mean)
    smallest = found.detectable(Split.VALIDATION)
    warnings = []
    if smallest is not None and smallest > found.headroom > 0:
        warnings.append(
            f"{found.sizes[Split.VALIDATION]} validation tasks show differences of {smallest:.2f} "
            f"or more, but only {found.headroom:.2f} is left above {best.name}: add validation "
            "tasks (domain.sizes.validation)"
        )
    elif found.headroom <= LITTLE and not found.refusals:
        warnings.append(f"{best.name} scores {best.mean:.2f} already: little is left to find")
    doubt = "is the scorer right, and can the model do such tasks at all?"
    if not best.mean and best.answered:
        warnings.append(f"no baseline has solved any of {best.tasks} tasks: {doubt}")
    elif found.floor.score >= HIGH_FLOOR and best.mean <= found.floor.score:
        constant = _short(json.dumps(found.floor.answer, default=str))
        warnings.append(f"no baseline scores more than always answering {constant}: {doubt}")
    for one in found.pilots:
        if one.answered <= one.evaluations / 2 and any(each.answered for each in found.pilots):
            missing = one.evaluations - one.answered
            warnings.append(
                f"{missing} of {one.evaluations} evaluations of {one.name} gave no answer that can "
                f"be read (mostly {one.failure}): look at one with `metasearch trace`"
            )
    if affordable is not None and affordable < min(FEW_DESIGNS, wanted):
        warnings.append(
            f"the budget reaches about {affordable} new designs: fewer than {FEW_DESIGNS} find "
            "nothing but luck"
        )
    return warnings


def _names(flown: Sequence[Pilot]) -> str:
    return " and ".join(one.name for one in flown)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
