"""What is kept back of the caps, so that the sealed test can be opened whatever was spent before.

Two designs meet the test: the best new one and the best baseline. What that costs is known from
their validation evaluations; for those whose race is not over, the dearest of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from metasearch.errors import ConfigError
from metasearch.gateway.base import Caps
from metasearch.gateway.budget import PICO, Amount, Budget
from metasearch.gateway.prices import Price
from metasearch.search.member import RACED, Member, best
from metasearch.types import Evaluation, Split, Task

__all__ = ["Reserve", "least_test", "refuse_too_small"]

FINALISTS = 2
CHARS_PER_TOKEN = 4
MARGIN = 1.25  # test tasks may be a little longer than those of validation
ANSWER_TOKENS = 8  # a short answer; a chain of thought takes a hundred


def least_test(tasks: Sequence[Task], repeats: int, price: Price) -> Amount:
    """Return what the test of one design takes at least: one short call for each task."""
    prompts = sum(len(task.prompt) // CHARS_PER_TOKEN + 1 for task in tasks) * repeats
    answers = ANSWER_TOKENS * len(tasks) * repeats
    money = prompts * min(price.prompt, price.cached) + answers * price.completion
    return Amount(money, prompts + answers, len(tasks) * repeats)


def refuse_too_small(caps: Caps, test: Amount, tasks: int) -> None:
    """Refuse caps that cannot even hold the sealed test.

    Args:
        caps: of the search, or of its evaluations.
        test: of one design, at least.
        tasks: in the test split.

    Raises:
        ConfigError: names the cap and what would do.
    """
    for unit, scale, option, one in (
        ("dollars", PICO, "--usd", test.picodollars),
        ("tokens", 1, "--tokens", test.tokens),
        ("calls", 1, "--calls", test.calls),
    ):
        cap, needed = getattr(caps, unit), FINALISTS * one / scale
        if cap is not None and cap < needed:
            raise ConfigError(
                f"a cap of {cap:g} {unit} cannot hold the final test: {FINALISTS} designs on "
                f"{tasks} tasks take at least {needed:.4g}, and the search comes on top; raise "
                f"{option}, or make domain.sizes.test smaller"
            )


@dataclass(slots=True)
class Reserve:
    """Keeps back what the finalists' test will cost, by what they have cost so far.

    Attributes:
        tests: test evaluations of one design.
        least: of the test of one design, until something is measured.
        call: the worst case of one call, which the last one needs.
    """

    budget: Budget
    tests: int
    least: Amount
    call: Amount
    _seen: dict[int, tuple[int, Amount]] = field(default_factory=dict)
    _racing: dict[bool, set[int]] = field(default_factory=lambda: {True: set(), False: set()})
    _ranked: set[int] = field(default_factory=set)
    _best: dict[bool, int | None] = field(default_factory=lambda: {True: None, False: None})

    def follow(self, members: Iterable[Member]) -> None:
        """Look anew at who may still become a finalist; for the start, and the end of a race."""
        members = list(members)
        for is_baseline in (True, False):
            group = [one for one in members if (one.proposer == "seed") is is_baseline]
            leader = self._leader(group, self._best[is_baseline])
            self._best[is_baseline] = leader.number if leader else None
            racing = [one for one in group if one.status == "pending"]
            self._racing[is_baseline] = {one.number for one in racing}
            for one in [*racing, *([leader] if leader else [])]:
                if one.number not in self._seen:
                    for evaluation in one.of(Split.VALIDATION):
                        self._add(one.number, evaluation)
        self.keep()

    def _leader(self, group: Sequence[Member], before: int | None) -> Member | None:
        """Return the best of a group; who was looked at once is not again: its race is over."""
        new = [one for one in group if one.number not in self._ranked or one.number == before]
        self._ranked.update(one.number for one in group if one.status in RACED)
        return best(new)

    def observe(self, member: Member, evaluation: Evaluation) -> None:
        """Count one evaluation."""
        if evaluation.split is Split.VALIDATION:
            self._racing[member.proposer == "seed"].add(member.number)
            self._add(member.number, evaluation)
            self.keep()

    def keep(self) -> None:
        """Set the reserve aside."""
        baseline = self._test(True) or self.least
        new = self._test(False) or baseline
        total = baseline.plus(new)
        if self.tests:
            self.budget.set_aside(total.plus(self.call))

    def release(self) -> None:
        """Give it free: the test begins."""
        self.tests = 0
        self.budget.set_aside(Amount())

    def _add(self, number: int, evaluation: Evaluation) -> None:
        done, total = self._seen.get(number, (0, Amount()))
        money = round(evaluation.dollars * PICO)
        one = Amount(money, evaluation.usage.total, evaluation.calls)
        self._seen[number] = (done + 1, total.plus(one))

    def _test(self, is_baseline: bool) -> Amount | None:
        """Return what the test of the dearest possible finalist of a group costs."""
        leader = self._best[is_baseline]
        numbers = self._racing[is_baseline] | ({leader} if leader is not None else set())
        costs = []
        for number in numbers & self._seen.keys():
            done, total = self._seen[number]
            costs.append([amount / done * self.tests * MARGIN for amount in total])
        if not costs:
            return None
        return Amount(*(int(max(column)) + 1 for column in zip(*costs, strict=True)))
