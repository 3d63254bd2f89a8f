"""What a proposer is: given an excerpt of the archive, it returns one new design.

A proposer is shown training tasks and training traces only. It never sees a task of another split,
and it never runs a design: that is the search's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from metasearch.domains.base import SOLVE
from metasearch.gateway.base import Gateway
from metasearch.search.quote import Quoter
from metasearch.types import Design, Evaluation, Task, Usage

__all__ = ["Brief", "Parent", "Proposal", "Proposer", "Repairer", "Tools"]


@dataclass(frozen=True, slots=True)
class Parent:
    """One evaluated design, as a proposer sees it.

    Attributes:
        number: its entry's number in the search, from 0.
        mean: mean validation score so far, in [0, 1].
        tasks: how many validation tasks that mean is over, at least 0.
        tokens_per_task: mean tokens (prompt and new) of one validation task.
        scores: validation score in [0, 1] by task id; the ids say nothing about the tasks.
        examples: training evaluations with their traces, the informative ones.
        tried: one line for each thing that was already tried on this design, with what came of it.
    """

    number: int
    design: Design
    mean: float
    tasks: int
    tokens_per_task: float
    scores: Mapping[str, float] = field(default_factory=dict)
    examples: tuple[Evaluation, ...] = ()
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that one proposal may depend on.

    The same brief gives the same proposal where no model is asked.

    Attributes:
        number: the proposal's number in the search, which becomes its entry's number.
        domain: the domain's name.
        description: what its tasks and answers look like and how they are scored.
        entry: what a design has to define: "solve", or "Member" where tasks are episodes.
        samples: the training tasks, gold included; a meta agent may see them, a design never.
        parents: one to three designs to start from, best first.
        library: every evaluated design of the search, in the order of their numbers.
        digest: one line for each design of the archive.
        known: ids of all designs ever proposed in the search.
        seed: makes `random.Random(seed)`, the only source of chance.
        wish: what a person asks of this proposal in words, "" for nothing.
    """

    number: int
    domain: str
    description: str
    samples: tuple[Task, ...]
    parents: tuple[Parent, ...]
    library: tuple[Parent, ...]
    digest: tuple[str, ...]
    known: frozenset[str]
    seed: int
    entry: str = SOLVE
    wish: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of one request for a design.

    Attributes:
        design: the new design, or None when none came; `reason` then says why.
        operator: short name of what was done, "crossover" say; "" when nothing was.
        parents: entry numbers of the designs it was made from, the main one first.
        usage, dollars: what the proposer itself spent.
        reason: one line, "" when a design came.
        raw: what a model said, for the record; "" where no model was asked.
    """

    design: Design | None
    operator: str
    parents: tuple[int, ...]
    usage: Usage
    dollars: float
    reason: str
    raw: str = ""


class Proposer(Protocol):
    """Makes new designs out of old ones.

    One that reads `Brief.wish` says so by an attribute `reads_ideas` that is true.

    Attributes:
        name: the plug-in's name, "recombine" say; the archive keeps it with every entry.
    """

    name: str

    async def propose(self, brief: Brief) -> Proposal:
        """Return one proposal; `design` is None where none was found, `reason` says why.

        Raises:
            BudgetExhausted: the proposer's next model call does not fit under a cap.
            GatewayUnavailable: the meta model does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a proposer plug-in is built with: `build(tools) -> Proposer`.

    Attributes:
        gateway: asks the meta model; spends from the search's one budget.
        model: the meta model's name, for requests.
        max_tokens: new tokens of one reply.
        temperature: None leaves it to the proposer.
        reflections: rounds in which a draft is looked at again.
        material: turns a brief into the text that asks for a design.
        calls_per_task: model calls that a design may make on one task.
    """

    gateway: Gateway
    model: str
    max_tokens: int
    temperature: float | None
    reflections: int
    material: Callable[[Brief, Quoter], str]
    calls_per_task: int = 24


@runtime_checkable
class Repairer(Protocol):
    """A proposer that can mend a design of its own that failed its trial."""

    async def repair(self, brief: Brief, failed: Proposal, problem: str) -> Proposal:
        """Return the mended design, or a proposal without one and the reason.

        Args:
            brief: the brief that the failed proposal was made from.
            problem: what went wrong, a stranger's text: quote it as data.

        Raises:
            BudgetExhausted, GatewayUnavailable: as `Proposer.propose`.
        """
        ...
