"""The finals: who wins is decided on samples that were drawn after the choice of the finalists.

The best of many noisy scores is too high on average, whatever the designs are worth. So the leading
new designs and the best baseline meet all validation tasks once more, under repeat numbers from
`FRESH` on: other streams, hence other seeds and answers. The best by these samples alone wins.

The state is the rows: a search that goes on makes what is missing and decides alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metasearch.archive.records import WINNER
from metasearch.search.events import Note
from metasearch.search.measure import Measurer, all_of
from metasearch.search.member import Member, leading
from metasearch.types import FRESH, Evaluation, Split

__all__ = ["Finals", "fresh_repeats"]

ALIKE = (
    "; every answer was the same as before: this model answers alike each time, so fresh samples "
    "say nothing new"
)


def fresh_repeats(count: int) -> range:
    """Return the repeat numbers of the finals' evaluations on each task."""
    return range(FRESH, FRESH + count)


@dataclass(frozen=True, slots=True)
class Finals:
    """Plays the finals of one search.

    Attributes:
        count: finalists among the new designs; 0 plays none.
        repeats: fresh evaluations of each of them, and of the best baseline, on each task.
    """

    measurer: Measurer
    count: int
    repeats: int

    async def play(self, made: Iterable[Member], baselines: Iterable[Member]) -> Member | None:
        """Return the new design that is to meet the test, None where there is none.

        Args:
            made: the new designs, whatever became of them.
            baselines: the best of them by the search's own samples is measured anew, too.

        Raises:
            Interrupted, BudgetExhausted, Unavailable: nothing is decided then.
        """
        finalists = leading(made, max(1, self.count))
        if not self.count or not finalists:
            return next(iter(finalists), None)
        players = [*finalists, *leading(baselines, 1)]
        tasks = self.measurer.tasks[Split.VALIDATION]
        again = fresh_repeats(self.repeats)
        await all_of(self.measurer.meet(one, Split.VALIDATION, tasks, again) for one in players)
        self._note(players)
        return leading(finalists, 1, fresh=True)[0]

    def _note(self, players: Sequence[Member]) -> None:
        """Write down who won, once; a search that went on may have another winner."""
        winner = leading(players, 1, fresh=True)[0]
        others = ", ".join(str(one.number) for one in players)
        text = f"{winner.number} is the best of {others} by fresh samples"
        text += ALIKE if all(_answers_alike(self._met(one)) for one in players) else ""
        archive, search_id = self.measurer.archive, self.measurer.search_id
        noted = [event.text for event in archive.events(search_id) if event.kind == WINNER]
        if noted[-1:] != [text]:
            archive.add_event(search_id, WINNER, text)
            self.measurer.display.show(Note(f"finals: {text}"))

    def _met(self, member: Member) -> list[Evaluation]:
        return self.measurer.archive.evaluations(
            self.measurer.search_id, entry_id=member.entry_id, split=Split.VALIDATION
        )


def _answers_alike(met: Sequence[Evaluation]) -> bool:
    """Say whether every fresh answer is one that was given to the same task before."""
    before: dict[str, list[object]] = {}
    for one in met:
        if one.repeat < FRESH:
            before.setdefault(one.task_id, []).append(one.answer)
    return all(one.answer in before.get(one.task_id, []) for one in met if one.repeat >= FRESH)
