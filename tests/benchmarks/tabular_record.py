"""Makes an archive for the tabular benchmark: a real model, every design on every task.

`python -m tests.benchmarks.tabular_record ARCHIVE [MINUTES]`, with the model on this machine; the
same command again goes on, and `metasearch bench table` writes the table. Half of the designs are
made from seeds alone, half from any two designs that are there, whatever their scores; nothing is
raced, so that the table has no holes that hang on how a search decides. The proposer is
`recombine`.

`tests/fixtures/tabular_starter.jsonl` holds 26 designs of such an archive and, so that it is wide,
21 of two earlier searches by `evolve` on the same tasks (preset `local`), whose parents that
strategy has chosen; three designs that their races stopped are not in it.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

from metasearch.archive import Archive
from metasearch.search.config import SearchConfig
from metasearch.search.events import EntryDone, Event, Note
from metasearch.search.launch import create, launch
from metasearch.search.loop import Search
from metasearch.search.measure import all_of
from metasearch.search.member import RACED, Member, digest
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Brief, Proposal
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.proposer import Recombine
from metasearch.types import Split, Usage

MOST_CALLS = 4  # of a design on one task: the table is to be wide, not dear
SEEDS = ("direct", "chain_of_thought", "program_of_thought", "step_back", "dynamic_roles")
IN_FLIGHT = 4
CONFIG = {
    "name": "table",
    "domain": {"spec": "starter", "sizes": {"train": 20, "validation": 30, "test": 40}},
    "model": {"name": "local", "max_tokens": 256, "concurrency": 8, "max_field_chars": 240},
    "sandbox": {"parallel": 8},
    "search": {
        "seeds": list(SEEDS),
        "stages": ["all"],
        "proposers": {"recombine": 1.0},
        "calls_per_task": 12,
        "tokens_per_task": 3000,
    },
}


class Teller:
    def show(self, event: Event) -> None:
        if isinstance(event, Note):
            print(event.text, file=sys.stderr, flush=True)
        elif isinstance(event, EntryDone):
            row = (event.number, event.name, round(event.mean, 2), event.tasks)
            print(*row, file=sys.stderr, flush=True)


def main(place: str, minutes: float) -> None:
    until = time.monotonic() + minutes * 60
    with Archive.open(place) as archive:
        info = create(SearchConfig.model_validate(CONFIG), archive)

        async def work(search: Search) -> str:
            try:
                await _grow(search, until)
            finally:
                await search.measurer.drain()
                archive.set_status(info.id, "paused", "the time is up")
            return "paused"

        asyncio.run(launch(info, archive, Teller(), work=work))


async def _grow(search: Search, until: float) -> None:
    search.guard.begin(search.members)
    search.guard.release()
    for number, design in enumerate(search.baselines):
        if number not in search.members:
            proposal = Proposal(design, "", (), Usage(), 0.0, "")
            search.members[number] = search.measurer.enter(number, proposal, "seed", "pending")
    slots = asyncio.Semaphore(IN_FLIGHT)
    pending = [one for one in search.members.values() if one.status == "pending"]
    await all_of(_meet(search, one, slots, until) for one in pending)
    running: set[asyncio.Task[None]] = set()
    while time.monotonic() < until:
        member = await _propose(search)
        if member is not None:
            task = asyncio.create_task(_meet(search, member, slots, until))
            running.add(task)
            task.add_done_callback(running.discard)
        while len(running) >= IN_FLIGHT:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*running)


async def _meet(search: Search, member: Member, slots: asyncio.Semaphore, until: float) -> None:
    async with slots:
        if time.monotonic() > until:
            return
        measurer = search.measurer
        await measurer.meet(member, Split.VALIDATION, measurer.tasks[Split.VALIDATION])
        measurer.settle(member, "evaluated")


async def _propose(search: Search) -> Member | None:
    """Enter one new design; every other one is made as if nothing but the seeds were there."""
    number = max(search.members) + 1
    rng = random.Random(number)
    members = [one for one in search.members.values() if one.status in RACED]
    if number % 2:
        members = [one for one in members if one.proposer == "seed"]
    parents = rng.sample(members, 2)
    brief = Brief(
        number=number,
        domain=search.measurer.evaluator.domain.name,
        description="",
        samples=tuple(search.measurer.tasks[Split.TRAIN]),
        parents=tuple(one.parent() for one in parents),
        library=tuple(one.parent() for one in members),
        digest=digest(members),
        known=frozenset(one.design.id for one in search.members.values() if one.design),
        seed=number,
    )
    proposal = await Recombine(MOST_CALLS).propose(brief)
    design = proposal.design
    known = {normalised(one.design.source) for one in search.members.values() if one.design}
    good = design is not None and worst_calls(design.source) <= MOST_CALLS
    if design is None or not good or normalised(design.source) in known:
        proposal = Proposal(None, "", proposal.parents, Usage(), 0.0, "left out")
        search.members[number] = search.measurer.enter(number, proposal, "recombine", "failed")
        return None
    search.members[number] = search.measurer.enter(number, proposal, "recombine", "pending")
    return search.members[number]


if __name__ == "__main__":
    main(sys.argv[1], float((sys.argv[2:] or ["10"])[0]))
