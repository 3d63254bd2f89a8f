"""Archives with rows that a test chooses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metasearch.archive import Archive
from metasearch.search.config import SearchConfig
from metasearch.types import FRESH, Design, Evaluation, Outcome, Split, Task, Usage

TASKS = 40


class Written:
    """One search, written row by row."""

    def __init__(
        self,
        archive: Archive,
        *,
        name: str = "s",
        tasks: int = TASKS,
        kinds: tuple[str, ...] = ("",),
        **config: object,
    ):
        self.archive, self.name = archive, name
        self.tasks = {
            split: [
                Task(f"{split[:2]}{i:04d}", f"{split} {i}?", "gold", kind=kinds[i % len(kinds)])
                for i in range(size)
            ]
            for split, size in ((Split.TRAIN, 2), (Split.VALIDATION, tasks), (Split.TEST, 20))
        }
        settings = {"name": name, "model": {"name": "tiny"}, **config}
        archive.create_search(
            id=name,
            domain="sums",
            strategy="evolve",
            config=SearchConfig.model_validate(settings).to_json(),
            seed=7,
            tasks=self.tasks,
        )

    def entry(
        self,
        name: str,
        right: int | Sequence[float] | None = None,
        *,
        proposer: str = "meta-agent",
        parents: tuple[int, ...] = (),
        dollars: float = 0.001,
        tokens: int = 100,
        seconds: float = 1.0,
        status: str = "evaluated",
        idea: str = "",
        reason: str = "",
        source: str = "",
    ) -> int:
        """Add an entry that solves the first `right` validation tasks; return its number."""
        source = (
            source or f'"""{idea}"""\n\nasync def solve(task):\n    return "{len(name)}{name!r}"\n'
        )
        one = self.archive.add_entry(
            self.name,
            design=Design(source, name=name, idea=idea) if status != "failed" else None,
            status=status,
            proposer=proposer,
            operator="propose" if proposer != "seed" else "",
            parents=parents,
            reason=reason,
        )
        if right is not None:
            self.evaluate(one.number, right, dollars=dollars, tokens=tokens, seconds=seconds)
        return one.number

    def evaluate(
        self,
        number: int,
        right: int | Sequence[float],
        *,
        split: Split = Split.VALIDATION,
        repeat: int = 0,
        dollars: float = 0.001,
        tokens: int = 100,
        seconds: float = 1.0,
        outcome: Outcome = Outcome.ANSWERED,
    ) -> None:
        """Add evaluations on the tasks of a split: the first `right` are solved."""
        entry = self.archive.entry(self.name, str(number))
        assert entry.design is not None
        tasks = self.tasks[split]
        scores = [float(i < right) for i in range(len(tasks))] if isinstance(right, int) else right
        for task, score in zip(tasks, scores, strict=False):
            self.archive.add_evaluation(
                self.name,
                entry.id,
                Evaluation(
                    design_id=entry.design.id,
                    task_id=task.id,
                    split=split,
                    repeat=repeat,
                    outcome=outcome,
                    score=score,
                    answer="42",
                    usage=Usage(tokens - 20, 0, 20),
                    calls=1,
                    dollars=dollars,
                    seconds=seconds,
                ),
            )

    def again(self, number: int, right: int | Sequence[float], **more: float) -> None:
        """Add fresh samples."""
        self.evaluate(number, right, repeat=FRESH, **more)  # type: ignore[arg-type]


def archive(path: Path) -> Archive:
    """Make an empty archive."""
    return Archive.open(path / "archive.db")
