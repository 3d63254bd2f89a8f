from __future__ import annotations

import ast
import asyncio
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from metasearch.plugins import load
from metasearch.search.checks import check, idea_of
from metasearch.search.family import som
from metasearch.search.novelty import normalised
from metasearch.search.proposer import Parent, Proposal, Tools
from metasearch.search.recombine import OPERATORS, Recombine
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.proposer import MAX_CALLS, MAX_SOURCE
from metasearch.types import Design
from tests.search.stage import TASKS, Script, archive, brief, evaluated, fits, kit, run

GENERATIONS, CHILDREN = 6, 30


def propose(*args, **options) -> Proposal:
    return asyncio.run(Recombine().propose(brief(*args, **options)))


@pytest.fixture(scope="module")
def lineage() -> list[tuple[Proposal, list[Parent]]]:
    """Several generations of designs, each with what was known when it was made."""
    rng = random.Random(5)
    known, made = archive(), []
    for generation in range(GENERATIONS):
        young = known[-2 * CHILDREN :]
        for child in range(CHILDREN):
            seed = 1000 * generation + child
            parents = rng.sample(young, 2) + rng.sample(known, 1)
            proposal = propose(known, seed, parents=parents)
            if proposal.design is not None:
                made.append((proposal, list(known)))
                known.append(evaluated(proposal.design, len(known), rng))
    return made


def test_it_is_installed_as_a_proposer():
    tools = Tools(None, "m", 10, None, 0, lambda *_: "", calls_per_task=3)
    proposer = load("proposers", "recombine")(tools)
    assert isinstance(proposer, Recombine)
    assert proposer.name == "recombine"
    for seed in range(20):
        proposal = asyncio.run(proposer.propose(brief(archive(), seed)))
        assert proposal.design is None or worst_calls(proposal.design.source) <= 3


def test_two_hundred_proposals_are_nearly_all_distinct_and_use_every_operator():
    [society] = som("som:S2/p0p0p1")  # of the nine seeds, none has a row of words
    library = [*archive(), Parent(9, society, 0.6, 9, 9.0)]
    proposals = [propose(library, seed) for seed in range(200)]
    assert all(one.design for one in proposals), [one.reason for one in proposals if one.reason]
    distinct = {normalised(one.design.source) for one in proposals if one.design}
    assert len(distinct) >= 180
    assert {one.operator for one in proposals} == set(OPERATORS)
    assert all(one.dollars == 0.0 and one.usage.total == 0 for one in proposals)


def test_generations_keep_coming_and_stay_small(lineage):
    assert len(lineage) >= 0.95 * GENERATIONS * CHILDREN
    last = [proposal.design for proposal, _ in lineage[-CHILDREN:]]
    for design in last:
        assert len(design.source) <= MAX_SOURCE
        assert len(design.name) <= 60
        assert worst_calls(design.source) <= MAX_CALLS


def test_every_design_passes_the_checks_and_is_new(lineage):
    for proposal, known in lineage:
        assert check(proposal.design.source) == (True, "")
        forms = {normalised(one.design.source) for one in known}
        assert normalised(proposal.design.source) not in forms


def test_every_design_reads_as_if_a_person_had_written_it(lineage):
    for proposal, _ in lineage:
        source = proposal.design.source
        assert max(len(line) for line in source.splitlines()) <= 100, source
        assert not any(line != line.rstrip() for line in source.splitlines())
        assert source.endswith("\n")
        assert "\n\n\n\n" not in source
        assert "placeholder" not in source
        assert "$" not in source
        idea = idea_of(source)
        assert idea == proposal.design.idea
        assert 10 < len(idea) <= 94
        assert idea.endswith(".")


def test_every_name_is_defined_and_nothing_is_left_over(lineage):
    for proposal, _ in lineage:
        tree = ast.parse(proposal.design.source)
        top = {getattr(node, "name", "") for node in tree.body} - {"solve", ""}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert top <= used, proposal.design.source


def test_parents_are_those_that_the_design_is_made_of(lineage):
    for proposal, known in lineage:
        numbers = {one.number: one for one in known}
        assert 1 <= len(proposal.parents) <= 3
        assert len(set(proposal.parents)) == len(proposal.parents)
        assert set(proposal.parents) <= numbers.keys()
        told = {
            node.value
            for number in proposal.parents
            for node in ast.walk(ast.parse(numbers[number].design.source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        mine = ast.walk(ast.parse(proposal.design.source))
        assert any(isinstance(node, ast.Constant) and node.value in told for node in mine)


@pytest.mark.parametrize("faults", [0.0, 0.15])
def test_every_design_runs_on_every_type_of_task(lineage, faults):
    rng = random.Random(11)
    ended: Counter[str] = Counter()
    with kit() as module:
        for proposal, _ in lineage:
            source = proposal.design.source
            for task in TASKS:
                script = Script(rng, faults)
                try:
                    answer = asyncio.run(run(module, source, task, script))
                except module.ReplyError:
                    # A design may give up where the model says nothing of use.
                    assert faults
                    ended["gave up"] += 1
                    continue
                assert fits(answer, task), (answer, task, source)
                ended["nothing" if answer is None else "answered"] += 1
                if not faults:
                    assert script.asked <= worst_calls(source), source
    assert ended["answered"] > (0.7 if faults else 0.95) * ended.total()


def test_the_same_brief_gives_the_same_proposal_in_another_process():
    program = (
        "import asyncio\n"
        "from metasearch.search.recombine import Recombine\n"
        "from tests.search.stage import archive, brief\n"
        "for seed in range(12):\n"
        "    made = asyncio.run(Recombine().propose(brief(archive(), seed)))\n"
        "    print(made.operator, made.parents, made.design.id, made.design.name)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    here = [propose(archive(), seed) for seed in range(12)]
    assert [one.design.id for one in here] == [
        line.split(") ")[1].split()[0] for line in outputs.pop().splitlines()
    ]


def test_a_known_design_is_never_proposed_again():
    library = archive()
    known = frozenset(one.design.id for one in library)
    for _ in range(8):
        proposal = propose(library, 3, known=known)
        assert proposal.design.id not in known
        known |= {proposal.design.id}


def test_without_a_parent_it_says_so():
    empty = replace(brief(archive(), 1), parents=(), library=())
    proposal = asyncio.run(Recombine().propose(empty))
    assert proposal.design is None
    assert "parent" in proposal.reason


@pytest.mark.parametrize(
    "source",
    [
        "this is not Python",
        "",
        "x = (",
        "def forward(self, taskInfo):\n    return 'no'\n",
        "import agentkit\nfor _ in range(3):\n    print(1)\nasync def solve(task):\n    return 1\n",
        "async def solve(task): return await solve(task)\n",
        "from agentkit import *\nasync def solve(task):\n    return 1\n",
        "solve = lambda task: 1\n",
        "a = 1; b = 2\nasync def solve(task):\n    return a\n",
    ],
)
def test_a_strange_parent_is_no_obstacle(source):
    strange = Parent(9, Design(source, "strange"), 0.9, 20, 10.0)
    for seed in range(6):
        alone = propose([strange], seed, parents=[strange])
        assert alone.design is None or check(alone.design.source).accepted
        assert alone.design is not None or "\n" not in alone.reason
        among = propose([*archive(), strange], seed, parents=[strange, archive()[0]])
        assert among.design is not None
        assert check(among.design.source).accepted


def test_a_classic_design_can_be_tuned():
    source = (
        '"""Two agents."""\n\nfrom agentkit.adas import Info, LLMAgentBase\n\n\n'
        "def forward(self, taskInfo):\n"
        '    first = LLMAgentBase(["answer"], "thinker", temperature=0.5)\n'
        '    return first([taskInfo], "Think step by step, then answer.")[0]\n'
    )
    classic = Parent(0, Design(source, "classic"), 0.5, 10, 10.0)
    proposal = propose([classic], 1, parents=[classic])
    assert proposal.operator == "temperature"
    assert check(proposal.design.source).accepted
    assert "temperature=0.5" not in proposal.design.source


def test_what_was_tried_before_is_tried_less():
    library = archive()
    fresh = Counter(propose(library, seed, parents=library[:1]).operator for seed in range(60))
    often = max(fresh, key=lambda name: fresh[name])
    lines = tuple(f"{often} -> {number}: -1 of 8 tasks" for number in range(9))
    tired = [replace(library[0], tried=lines)]
    again = Counter(propose(library, seed, parents=tired).operator for seed in range(60))
    assert again[often] < fresh[often] / 2


@pytest.mark.wasm
async def test_designs_run_in_a_real_sandbox():
    from metasearch.sandbox.base import Job
    from metasearch.sandbox.choose import open_sandbox

    library = archive()
    script = Script(random.Random(2))
    made = [await Recombine().propose(brief(library, seed)) for seed in range(10)]

    async def answer(body):
        return await script.call("ask", body)

    async with await open_sandbox("wasm") as sandbox:
        for proposal, task in zip(made, TASKS * 2, strict=True):
            worker = await sandbox.open(proposal.design.source)
            try:
                result = await worker.run(Job(task.public()), answer)
            finally:
                await worker.close()
            assert result.outcome == "answered", (result, proposal.design.source)
            assert fits(result.answer, task)
