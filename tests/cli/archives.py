"""A small archive with known numbers, made through the archive's own interface.

40 validation tasks: #0 direct solves 14, #1 chain_of_thought 20, #2 a copy of #1 20, #3 was stopped
after 10 tasks, #4 (the winner, from #1 and #0) solves 30: those of #1 and 10 more. Of the 20 test
tasks #1 solves 10 and #4 those and 5 more. #5 is invalid and has a hostile name, #6 a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metasearch.archive import Archive
from metasearch.search.config import SearchConfig
from metasearch.types import (
    Design,
    Evaluation,
    Finish,
    Message,
    ModelCall,
    ModelReply,
    ModelRequest,
    Outcome,
    Split,
    Stream,
    Task,
    Usage,
)

HOSTILE = "evil \x1b[31mred\x07 [bold]x[/bold]\nsecond line"
SIZES = {Split.TRAIN: 4, Split.VALIDATION: 40, Split.TEST: 20}
SECRET = "GOLD-OF-VALIDATION"


def solves_half(i: int) -> bool:
    return i % 2 == 0


def solves_more(i: int) -> bool:
    return i % 2 == 0 or i % 4 == 1


def solves_third(i: int) -> bool:
    return i % 3 == 0


def solves_none(i: int) -> bool:
    del i
    return False


def build(path: Path | str, *, status: str = "finished", name: str = "demo") -> None:
    """Write the archive."""
    with Archive.open(path) as archive:
        tasks = {split: _tasks(split, size) for split, size in SIZES.items()}
        config = SearchConfig.model_validate({"name": name, "model": {"name": "tiny"}})
        archive.create_search(
            id=name,
            domain="starter",
            strategy="evolve",
            config=config.to_json(),
            seed=0,
            tasks=tasks,
        )
        direct = _add(archive, name, "direct", "seed")
        chain = _add(archive, name, "chain_of_thought", "seed")
        copy = _add(archive, name, "chain again", "recombine", "crossover", (1, 0))
        weak = _add(archive, name, "weak", "recombine", "mutate", (2,))
        best = _add(archive, name, "route by kind", "meta-agent", "propose", (1, 0))
        for entry, solves in (
            (direct, solves_third),
            (chain, solves_half),
            (copy, solves_half),
            (best, solves_more),
        ):
            _evaluate(archive, name, entry, tasks[Split.VALIDATION], Split.VALIDATION, solves)
            archive.set_entry(entry[0], status="evaluated")
        ten = tasks[Split.VALIDATION][:10]
        _evaluate(archive, name, weak, ten, Split.VALIDATION, solves_none)
        archive.set_entry(weak[0], status="stopped", reason="behind 1 after 10 tasks")
        _evaluate(archive, name, best, tasks[Split.TRAIN], Split.TRAIN, solves_half)
        for entry, solves in ((chain, solves_half), (best, solves_more)):
            _evaluate(archive, name, entry, tasks[Split.TEST], Split.TEST, solves)
        archive.add_entry(
            name,
            design=Design("def solve(", name=HOSTILE),
            status="invalid",
            proposer="meta-agent",
            reason="line 1: '(' was never closed",
        )
        archive.add_entry(
            name, design=None, status="duplicate", proposer="recombine", reason="as 2"
        )
        archive.add_event(name, "test-opened", "for 4 and 1")
        archive.set_status(name, status)


def _tasks(split: Split, size: int) -> list[Task]:
    gold = SECRET if split is not Split.TRAIN else "gold-of-training"
    return [
        Task(f"t{split[:2]}{i:08d}", f"{split} question {i}?", gold, kind="sum")
        for i in range(size)
    ]


def _add(
    archive: Archive,
    search: str,
    name: str,
    proposer: str,
    operator: str = "",
    parents: tuple[int, ...] = (),
) -> tuple[int, Design]:
    source = f'"""{name}: an idea."""\n\n\nasync def solve(task):\n    return "{name}"\n'
    design = Design(source, name=name, idea=f"{name}: an idea.")
    entry = archive.add_entry(
        search,
        design=design,
        status="pending",
        proposer=proposer,
        operator=operator,
        parents=parents,
        spent=Usage(900, 0, 100),
    )
    return entry.id, design


def _evaluate(
    archive: Archive,
    search: str,
    entry: tuple[int, Design],
    tasks: list[Task],
    split: Split,
    solves: Callable[[int], bool],
) -> None:
    entry_id, design = entry
    for i, task in enumerate(tasks):
        is_right = solves(i)
        outcome = Outcome.ANSWERED if is_right or i % 5 else Outcome.WRONG_FORMAT
        archive.add_evaluation(
            search,
            entry_id,
            Evaluation(
                design_id=design.id,
                task_id=task.id,
                split=split,
                repeat=0,
                outcome=outcome,
                score=float(is_right),
                answer="42",
                error="" if outcome is Outcome.ANSWERED else "no number in 'forty-two'",
                usage=Usage(100, 0, 20),
                calls=2,
                dollars=0.0001,
                seconds=1.5,
                trace=_trace(design, task) if split is Split.TRAIN else (),
            ),
        )


def _trace(design: Design, task: Task) -> tuple[ModelCall, ...]:
    calls = []
    for position, agent in enumerate(("thinker", "judge")):
        request = ModelRequest(
            "tiny",
            (
                Message("system", f"You are a {agent} of {design.name}."),
                Message("user", task.prompt),
            ),
            max_tokens=50,
        )
        reply = ModelReply(
            f"{agent} says \x1b[2J42", Finish.STOP, Usage(50, 0, 10), 0.00005, 0.7, position == 1
        )
        key = request.key(Stream(task.id))
        calls.append(ModelCall(position, agent, key, request, reply))
    return tuple(calls)
