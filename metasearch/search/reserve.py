"""What is kept back of the caps, so that every search comes to its end whatever was spent before.

The leading new designs and the best baseline meet the validation tasks anew, and two designs meet
the sealed test: the winner and that baseline. What that costs is known from their validation
evaluations; among those whose race is not over, the dearest count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from metasearch.archive.evaluations import Measured
from metasearch.errors import ConfigError
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import PICO, Amount, Budget
from metasearch.gateway.prices import Price
from metasearch.report.rows import BASELINES
from metasearch.search.member import RACED, Member, leading
from metasearch.types import FRESH, Evaluation, Split, Task

__all__ = ["Reserve", "least_test", "refuse_too_small"]

TESTED = 2  # designs: the winner and the best baseline
CHARS_PER_TOKEN = 4
MARGIN = 1.25  # test tasks may be a little longer than those of validation
NOTHING = Amount()
ANSWER_TOKENS = 8  # a short answer; a chain of thought takes a hundred


def least_test(tasks: Sequence[Task], repeats: int, price: Price) -> Amount:
    """Return what one design takes at least on these tasks: one short call for each."""
    prompts = sum(len(task.prompt) // CHARS_PER_TOKEN + 1 for task in tasks) * repeats
    answers = ANSWER_TOKENS * len(tasks) * repeats
    money = prompts * min(price.prompt, price.cached) + answers * price.completion
    return Amount(money, prompts + answers, len(tasks) * repeats)


def refuse_too_small(caps: Caps, test: Amount, tasks: int, finals: Amount = NOTHING) -> None:
    """Refuse caps that cannot even hold the finals and the sealed test.

    Args:
        caps: of the search, or of its evaluations.
        test: of one design, at least.
        tasks: in the test split.
        finals: of all that play them, at least.

    Raises:
        ConfigError: names the cap and what would do.
    """
    total = finals.plus(test.plus(test))
    first, or_fewer = ("the finals and ", " or search.finalists") if finals.calls else ("", "")
    for unit, scale, option, least in (
        ("dollars", PICO, "--usd", total.picodollars),
        ("tokens", 1, "--tokens", total.tokens),
        ("calls", 1, "--calls", total.calls),
    ):
        cap, needed = getattr(caps, unit), least / scale
        if cap is not None and cap < needed:
            raise ConfigError(
                f"a cap of {cap:g} {unit} cannot hold the final test: {first}{TESTED} designs on "
                f"{tasks} tasks take at least {needed:.4g}, and the search comes on top; raise "
                f"{option}, or make domain.sizes.test{or_fewer} smaller"
            )


@dataclass(slots=True)
class Reserve:
    """Keeps back what finals and test will cost, by what those who may play them cost so far.

    Attributes:
        tests, finals: evaluations of one design in the test, and in the finals.
        least: of the test of one design, until something is measured.
        call: the worst case of one call, which the last one needs.
        finalists: new designs that play the finals.
        equal: validation evaluations of the baseline that costs what the winner costs.
        rival: test evaluations of the best baseline of the winner's price, where it is a third one.
        least_finals: of all finals, until something is measured.
    """

    budget: Budget
    tests: int
    least: Amount
    call: Amount
    finals: int = 0
    finalists: int = 1
    equal: int = 0
    rival: int = 0
    least_finals: Amount = NOTHING
    _seen: dict[int, tuple[int, Amount]] = field(default_factory=dict)
    _racing: dict[bool, set[int]] = field(default_factory=lambda: {True: set(), False: set()})
    _ranked: set[int] = field(default_factory=set)
    _best: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})

    def follow(self, members: Iterable[Member]) -> None:
        """Look anew at who may still become a finalist; for the start, and the end of a race."""
        members = list(members)
        for is_baseline in (True, False):
            group = [one for one in members if (one.proposer in BASELINES) is is_baseline]
            leaders = self._leaders(group, is_baseline)
            self._best[is_baseline] = [one.number for one in leaders]
            racing = [one for one in group if one.status == "pending"]
            self._racing[is_baseline] = {one.number for one in racing}
            for one in (*racing, *leaders):
                if one.number not in self._seen:
                    for done in one.of(Split.VALIDATION):
                        self._add(one.number, done)
        self.keep()

    def _leaders(self, group: Sequence[Member], is_baseline: bool) -> list[Member]:
        """Return the best of a group; who was looked at once is not again: its race is over."""
        before = self._best[is_baseline]
        new = [one for one in group if one.number not in self._ranked or one.number in before]
        self._ranked.update(one.number for one in group if one.status in RACED)
        return leading(new, 1 if is_baseline else self.finalists)

    def observe(self, member: Member, evaluation: Evaluation) -> None:
        """Count one evaluation."""
        if evaluation.split is Split.VALIDATION and evaluation.repeat < FRESH:
            self._racing[member.proposer in BASELINES].add(member.number)
            self._add(member.number, Measured.of(evaluation))
            self.keep()

    def keep(self) -> None:
        """Set the reserve aside."""
        if not self.tests + self.finals + self.equal + self.rival:
            return
        old, new = self._costs(True), self._costs(False)
        if not old and not new:
            test = self.least.plus(self.least) if self.tests else NOTHING
            finals = self.least_finals if self.finals else NOTHING
            self.budget.set_aside(test.plus(finals).plus(self.call))
            return
        dearest = [max(column) for column in zip(*(new or old), strict=True)]
        old_one = [max(column) for column in zip(*(old or new), strict=True)]
        places = [_largest(column, self.finalists) for column in zip(*(new or old), strict=True)]
        total = _of(self.tests, old_one).plus(_of(self.tests, dearest)).plus(self.call)
        total = total.plus(_of(self.equal + self.rival, dearest))
        self.budget.set_aside(total.plus(_of(self.finals, old_one)).plus(_of(self.finals, places)))

    def play(self) -> None:
        """Give free what the finals take: they begin."""
        self.finals = 0
        self.budget.set_aside(NOTHING)
        self.keep()

    def compare(self) -> None:
        """Give free what the baseline of the winner's price takes: it begins."""
        self.equal = 0
        self.budget.set_aside(NOTHING)
        self.keep()

    def release(self) -> None:
        """Give everything free: the test begins."""
        self.tests = self.finals = self.equal = self.rival = 0
        self.budget.set_aside(NOTHING)

    def _add(self, number: int, one: Measured) -> None:
        done, total = self._seen.get(number, (0, NOTHING))
        amount = Amount(one.picodollars, one.tokens, one.calls)
        self._seen[number] = (done + 1, total.plus(amount))

    def _costs(self, is_baseline: bool) -> list[tuple[float, ...]]:
        """Return what one evaluation costs of each possible finalist of a group: as `Amount`."""
        numbers = self._racing[is_baseline] | set(self._best[is_baseline])
        return [
            tuple(amount / self._seen[number][0] for amount in self._seen[number][1])
            for number in sorted(numbers & self._seen.keys())
        ]


def _largest(values: Iterable[float], count: int) -> float:
    """Return the sum of the largest values; where there are too few, the largest stands in."""
    largest = sorted(values, reverse=True)[:count]
    return sum(largest) + (count - len(largest)) * largest[0]


def _of(evaluations: int, each: Sequence[float]) -> Amount:
    """Return what so many evaluations cost, with a margin."""
    if not evaluations:
        return NOTHING
    return Amount(*(int(amount * evaluations * MARGIN) + 1 for amount in each))
