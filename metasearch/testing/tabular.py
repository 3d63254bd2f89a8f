"""Strategies on a table of real evaluations: designs x tasks x repeats, with who came from whom.

A table is taken from an archive (`take`) in which every design met every task, so that any search
among its designs can be played again in milliseconds: the evaluator looks the score up, and the
proposer answers with a recorded child of the parent that it was given. What decides is the real
thing: `Selector.choose`, `hopeless`, `order`.

What a table cannot do: a design has only the children that were recorded. Where the chosen parent
has none left, the next in the strategy's own order is asked; who may start from seeds only ends
when their children do.

For each play the tasks are dealt anew: half are the validation tasks of this search, the other half
tell how good its winner really is. Repeats, where there are any, are dealt to both halves alike.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metasearch.archive import Archive
from metasearch.archive.records import Sample
from metasearch.errors import ConfigError
from metasearch.search.member import order
from metasearch.search.race import INCUMBENTS, hopeless
from metasearch.search.selector import Candidate
from metasearch.testing.simulator import Rules
from metasearch.types import Json, Split

__all__ = ["Played", "Row", "Table", "play", "read_table", "take", "write_table"]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One design of a table.

    Attributes:
        number: its place; parents have smaller ones.
        operator: "" for a seed.
        tokens: mean of one evaluation.
        scores: (repeats, tasks) in [0, 1].
    """

    number: int
    name: str
    operator: str
    parents: tuple[int, ...]
    tokens: float
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """Designs that met the same tasks.

    Attributes:
        domain, model: where the scores come from.
        rows: by number; those without parents are the seeds.
    """

    domain: str
    model: str
    rows: Sequence[Row]

    @property
    def seeds(self) -> list[Row]:
        """The designs that every search starts with."""
        return [row for row in self.rows if not row.parents]

    @property
    def drafts(self) -> int:
        """How many designs were made from seeds alone: independent sampling has no others."""
        seeds = {row.number for row in self.seeds}
        return sum(bool(row.parents) and seeds.issuperset(row.parents) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Played:
    """How a search on a table came out.

    Attributes:
        truth: score on the tasks held out, of the design that led after each proposal; the first is
            that of the best seed.
        best: the highest score on them of all designs that were made so far, after each proposal.
        evaluations: of validation tasks.
    """

    truth: Sequence[float]
    best: Sequence[float]
    evaluations: int


def take(sources: Sequence[tuple[Archive, str]]) -> Table:
    """Return the whole evaluations of searches on the same tasks as one table.

    A design that lacks evaluations, or whose main parent does, is left out; so are other parents
    that do. A design of several searches is taken from the first.

    Args:
        sources: archives with a search's name; the first says which tasks and repeats count.

    Raises:
        ConfigError: nothing is whole but seeds, or tasks differ.
    """
    archive, search_id = sources[0]
    tasks = [task.id for task in archive.tasks(search_id, Split.VALIDATION)]
    search = archive.search(search_id)
    repeats = range(int(search.config["search"]["repeats"]))
    rows: dict[str, tuple[Row, tuple[str, ...]]] = {}
    for archive, name in sources:
        if [task.id for task in archive.tasks(name, Split.VALIDATION)] != tasks:
            raise ConfigError(f"search {name} has other validation tasks than {search_id}")
        entries = archive.entries(name)
        ids = {one.number: one.design.id for one in entries if one.design}
        scores = archive.scores(name, Split.VALIDATION)
        for entry in entries:
            cells = _cells(scores.get(entry.number, {}), tasks, repeats)
            if entry.design is None or entry.validation is None or cells is None:
                continue
            row = Row(
                0, entry.name, entry.operator, (), round(entry.validation.tokens_per_task), cells
            )
            parents = tuple(ids[number] for number in entry.parents if number in ids)
            rows.setdefault(entry.design.id, (row, parents))
    model = (search.config.get("model") or {}).get("name") or ""
    table = Table(search.domain, str(model), _numbered(rows))
    if len(table.rows) == len(table.seeds):
        raise ConfigError(f"search {search_id} has no new design that met all validation tasks")
    return table


def _cells(
    found: Mapping[Sample, float], tasks: Sequence[str], repeats: Sequence[int]
) -> NDArray[np.float64] | None:
    """Return (repeats, tasks) scores, None where one is missing."""
    cells = [[found.get(Sample(task, repeat)) for task in tasks] for repeat in repeats]
    if any(cell is None for line in cells for cell in line):
        return None
    return np.array(cells, dtype=np.float64)


def _numbered(rows: Mapping[str, tuple[Row, tuple[str, ...]]]) -> list[Row]:
    """Number the rows from 0, the seeds first, children behind their main parents."""
    places: dict[str, int] = {}
    ordered: list[Row] = []
    waiting = dict(sorted(rows.items(), key=lambda one: bool(one[1][1])))
    while True:
        ready = [id for id, (_, parents) in waiting.items() if set(parents[:1]) <= places.keys()]
        if not ready:
            return ordered
        for id in ready:
            row, parents = waiting.pop(id)
            known = tuple(places[one] for one in parents if one in places)
            places[id] = len(ordered)
            ordered.append(replace(row, number=places[id], parents=known))


def write_table(table: Table, path: Path) -> None:
    """Write a table as JSON lines: what it is, then one design a line, a character a score."""
    repeats, tasks = table.rows[0].scores.shape
    head: dict[str, Json] = {
        "format": FORMAT,
        "domain": table.domain,
        "model": table.model,
        "tasks": tasks,
        "repeats": repeats,
    }
    lines = [head, *(_to_json(row) for row in table.rows)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _to_json(row: Row) -> dict[str, Json]:
    whole = np.isin(row.scores, (0.0, 1.0)).all()
    scores = (
        ["".join(str(int(score)) for score in line) for line in row.scores]
        if whole
        else row.scores.round(4).tolist()
    )
    return {
        "name": row.name,
        "operator": row.operator,
        "parents": list(row.parents),
        "tokens": row.tokens,
        "scores": scores,
    }


def read_table(path: Path) -> Table:
    """Read what `write_table` wrote.

    Raises:
        ConfigError: it is not there, or no such table.
    """
    try:
        head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if head["format"] != FORMAT:
            raise ConfigError(f"{path} has format {head['format']}; this program reads {FORMAT}")
        rows = list(_rows(lines, (head["repeats"], head["tasks"])))
        return Table(head["domain"], head["model"], rows)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"{path} is no table of evaluations: {error}") from None


def _rows(lines: Sequence[Mapping[str, Json]], shape: tuple[int, int]) -> Iterator[Row]:
    for number, line in enumerate(lines):
        scores = np.array([[float(score) for score in one] for one in line["scores"]])
        parents = tuple(line["parents"])
        if scores.shape != shape or any(one >= number for one in parents):
            raise ValueError(f"design {number} has other tasks, or a parent that comes later")
        yield Row(number, line["name"], line["operator"], parents, line["tokens"], scores)


def play(table: Table, rules: Rules, seed: int) -> Played:
    """Play one search.

    Args:
        rules: designs, stages and race_alpha of its settings count; so do selector and crowd.
        seed: of the deal of tasks and of every choice.
    """
    return _Play(table, rules, random.Random(seed)).run()


@dataclass(slots=True)
class _Made:
    """A design that a search has met."""

    row: Row
    scores: dict[str, float]
    truth: float
    whole: bool

    def mean(self) -> float:
        return sum(self.scores.values()) / len(self.scores)


@dataclass(slots=True)
class _Play:
    table: Table
    rules: Rules
    rng: random.Random
    made: dict[int, _Made] = field(default_factory=dict)
    evaluations: int = 0
    shown: NDArray[np.int64] = field(init=False)
    held: NDArray[np.int64] = field(init=False)
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        tasks = list(range(self.table.rows[0].scores.shape[1]))
        self.rng.shuffle(tasks)
        half = len(tasks) // 2
        self.shown, self.held = np.array(tasks[:half]), np.array(tasks[half:])
        self.names = [f"v{place:05d}" for place in range(half)]

    def run(self) -> Played:
        for row in self.table.seeds:
            self._meet(row, [])
        truth, best = [self._leader().truth], [max(one.truth for one in self.made.values())]
        for _ in range(self.rules.settings.designs):
            child = self._propose()
            if child is None:
                break
            self._meet(child, [one.scores for one in self._leading(INCUMBENTS)])
            truth.append(self._leader().truth)
            best.append(max(best[-1], self.made[child.number].truth))
        missing = self.rules.settings.designs + 1 - len(truth)
        return Played(
            [*truth, *truth[-1:] * missing], [*best, *best[-1:] * missing], self.evaluations
        )

    def _propose(self) -> Row | None:
        """Return a recorded child of the first parent that has one left."""
        for parent in self._parents():
            children = [row for row in self._open() if parent in row.parents]
            if children:
                return self.rng.choice(children)
        return None

    def _open(self) -> list[Row]:
        """Return the designs that could be made now: those whose parents are all there."""
        able = set(self.made)
        if self.rules.selector is None and not self.rules.crowd:
            able = {row.number for row in self.table.seeds}
        rows = (row for row in self.table.rows if row.parents and row.number not in self.made)
        return [row for row in rows if able.issuperset(row.parents)]

    def _parents(self) -> list[int]:
        """Return whom to start from, in the strategy's own order."""
        if self.rules.crowd or self.rules.selector is None:
            numbers = (
                sorted(self.made) if self.rules.crowd else [r.number for r in self.table.seeds]
            )
            self.rng.shuffle(numbers)
            return numbers
        candidates = [
            Candidate(one.row.number, one.row.parents, one.scores) for one in self.made.values()
        ]
        chosen = self.rules.selector.choose(candidates, len(candidates), self.rng)
        rest = sorted(self.made.keys() - set(chosen))
        self.rng.shuffle(rest)
        return [*chosen, *rest]

    def _meet(self, row: Row, incumbents: Sequence[Mapping[str, float]]) -> None:
        values = row.scores.mean(axis=0)
        settings, answers = self.rules.settings, values[self.shown].tolist()
        sizes = settings.stage_sizes(len(self.names))
        scores: dict[str, float] = {}
        for size in sizes:
            scores = dict(zip(self.names[:size], answers, strict=False))
            alpha = settings.race_alpha
            if size < sizes[-1] and hopeless(scores, incumbents, order=self.names, alpha=alpha):
                break
        self.evaluations += len(scores)
        truth = float(values[self.held].mean())
        self.made[row.number] = _Made(row, scores, truth, len(scores) == len(self.names))

    def _leader(self) -> _Made:
        return self._leading(1)[0]

    def _leading(self, count: int) -> list[_Made]:
        whole = [one for one in self.made.values() if one.whole]
        return sorted(
            whole, key=lambda one: order(one.mean(), 0.0, one.row.tokens, one.row.number)
        )[:count]
