from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metasearch import domains
from metasearch.archive import Archive
from metasearch.domains.constant import Constant, best_constant
from metasearch.errors import ConfigError
from metasearch.gateway.prices import FREE
from metasearch.sandbox.base import Limits
from metasearch.search.config import SearchConfig
from metasearch.search.evaluate import Asking, Evaluator
from metasearch.search.events import Event, Note
from metasearch.search.measure import Measurer
from metasearch.search.outage import Interrupted
from metasearch.search.preflight import EVENT, ONLY, Preflight, Wanted, detectable, static, told
from metasearch.search.proposer import Proposal
from metasearch.search.seeds import seeds
from metasearch.stats import detectable_difference
from metasearch.testing.fake_gateway import FakeGateway
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import ModelRequest, Split, Usage
from tests.e2e.scripted import write_tasks

SIZES = {"train": 6, "validation": 24, "test": 12}


def test_the_smallest_difference_is_the_exact_test_s_or_that_of_designs_further_apart() -> None:
    assert detectable(200, 0.3) == detectable_difference(200, 0.3)
    assert detectable_difference(10, 0.3) is None
    found = detectable(10, 0.3)
    assert found is not None
    assert 0.5 < found <= 1.0
    assert detectable(5, 0.3) is None, "five wins of five are p = .0625"
    assert detectable(6, 0.3) is not None


def test_more_tasks_show_smaller_differences() -> None:
    found = [detectable(tasks, 0.3) or 2.0 for tasks in (5, 10, 30, 100, 300, 1000)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.06


def test_the_constant_answer_is_the_one_that_scores_most(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    rows = [{"input": f"Q{n}", "answer": "yes" if n % 3 else "no"} for n in range(60)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    domain = domains.load(str(file))
    every = [task for split in Split for task in domain.tasks(split)]
    assert best_constant(domain, every) == Constant("yes", pytest.approx(2 / 3))


def test_what_needs_no_model_is_refused_without_one() -> None:
    sizes = {"train": 20, "validation": 30, "test": 40}
    assert static(Constant("a", 0.5), sizes).refusals == ()
    (said,) = static(Constant("a", 1.0), sizes).refusals
    assert 'always answering "a" scores 1.00' in said
    (few,) = static(Constant("a", 0.5), {"train": 2, "validation": 3, "test": 3}).refusals
    assert "3 validation tasks and 3 test tasks can show no difference" in few
    assert "--seed 1, 2, 3" in few


@pytest.fixture
def folder(tmp_path: Path, blank: Path) -> Path:
    """A folder with an archive without rows."""
    shutil.copy(blank, tmp_path / "archive.db")
    shutil.copy(blank, tmp_path / "blank.db")
    return tmp_path


def another(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    shutil.copy(folder / "blank.db", folder / name / "archive.db")
    return folder / name


class Watch:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)

    def notes(self, level: str) -> list[str]:
        return [one.text for one in self.events if isinstance(one, Note) and one.level == level]


def adds(knows: Callable[[int, str], bool]) -> Callable[[ModelRequest], str]:
    """A model that adds rightly what it knows, and is off by one elsewhere."""

    def script(request: ModelRequest) -> str:
        text = "\n".join(message.content for message in request.messages)
        a, b = map(int, re.search(r"What is (\d+) \+ (\d+)", text).groups())  # type: ignore
        names = request.schema["properties"]
        said = a + b if knows(a, text) else a + b + 1
        return json.dumps({name: said if name == "answer" else "so" for name in names})

    return script


HALF = adds(lambda a, text: a % 3 == 0 or ("step by step" in text and a % 2 == 0))
ALL = adds(lambda a, text: True)


class Stage:
    """A search of two baselines and its doors, each opened anew on the same archive."""

    def __init__(
        self, folder: Path, script: Callable[[ModelRequest], str], sizes: dict[str, int] = SIZES
    ) -> None:
        self.archive = Archive.open(folder / "archive.db")
        spec = str(write_tasks(folder / "sums.jsonl", sum(sizes.values())))
        self.config = SearchConfig.model_validate({"domain": {"spec": spec, "sizes": sizes}})
        wanted = {Split(name): size for name, size in sizes.items()}
        domain = domains.load(spec, sizes=wanted)
        if not self.archive.searches():
            tasks = {split: domain.tasks(split) for split in Split}
            self.archive.create_search(
                id="s", domain="sums", strategy="evolve", config={}, seed=0, tasks=tasks
            )
        self.gateway = FakeGateway(script)
        self.watch = Watch()
        evaluator = Evaluator(self.gateway, domain, Asking("m"), Limits(), asyncio.Semaphore(4))
        self.measurer = Measurer("s", self.archive, evaluator, FakeSandbox(), self.watch)
        self.members = self.measurer.load()
        for number, design in enumerate(self.seeds()):
            if number not in self.members:
                proposal = Proposal(design, "", (), Usage(), 0.0, "")
                self.members[number] = self.measurer.enter(number, proposal, "seed", "pending")

    @staticmethod
    def seeds() -> list:
        return [one for one in seeds() if one.name in ("chain_of_thought", "direct")]

    async def check(self, **wanted: bool) -> None:
        await Preflight(self.config, self.measurer, (FREE, FREE), 2, Wanted(**wanted)).check(
            self.members
        )

    async def race(self) -> None:
        for member in self.members.values():
            tasks = self.measurer.tasks
            await self.measurer.meet(member, Split.TRAIN, tasks[Split.TRAIN][:3])
            await self.measurer.meet(member, Split.VALIDATION, tasks[Split.VALIDATION])


async def test_it_says_head_room_noise_and_cost_and_lets_a_sound_search_begin(
    folder: Path,
) -> None:
    stage = Stage(folder, HALF)
    await stage.check()
    found = told(stage.archive, "s")
    assert (found["verdict"], found["refusals"]) == ("warn", [])
    chain, direct = found["pilots"]
    assert (chain["name"], direct["name"]) == ("chain_of_thought", "direct")
    met = [*stage.measurer.tasks[Split.TRAIN][:3], *stage.measurer.tasks[Split.VALIDATION][:10]]
    a_of = [int(task.prompt.split()[2]) for task in met]
    assert direct["mean"] == pytest.approx(sum(a % 3 == 0 for a in a_of) / 13)
    assert found["headroom"] == pytest.approx(1 - chain["mean"])
    gap = sum(a % 3 != 0 and a % 2 == 0 for a in a_of)
    assert found["discordance"] == pytest.approx((gap + 3) / 23)
    assert found["detectable"]["validation"] == detectable(24, (gap + 3) / 23)
    assert 0 < found["tokens"][0] < found["tokens"][1] < found["tokens"][2]
    assert found["floor"]["score"] < 0.4
    (said,) = stage.watch.notes("warning")
    assert "24 validation tasks show differences of" in said
    assert "is left above chain_of_thought" in said
    assert any("direct 0." in line and "head-room 0." in line for line in stage.watch.notes("info"))


async def test_the_pilot_asks_nothing_that_the_search_would_not_ask(folder: Path) -> None:
    stage = Stage(folder, HALF)
    await stage.check()
    pilot = len(stage.gateway.requests)
    assert pilot == 2 * 13
    await stage.race()
    plain = Stage(another(folder, "plain"), HALF)
    await plain.race()
    assert len(stage.gateway.requests) == len(plain.gateway.requests)
    scores = [[one.scores() for one in each.members.values()] for each in (stage, plain)]
    assert scores[0] == scores[1]


async def test_what_the_baseline_has_solved_is_refused_and_force_goes_on(folder: Path) -> None:
    stage = Stage(folder, ALL)
    with pytest.raises(ConfigError) as caught:
        await stage.check()
    assert "scores 1.00 on 27 tasks already" in str(caught.value)
    assert str(caught.value).endswith("--force goes on anyway")
    assert len(stage.gateway.requests) == 2 * 27, "it looks at more tasks to be sure"
    assert len(stage.archive.evaluations("s")) == 2 * 27
    again = Stage(folder, ALL)
    with pytest.raises(ConfigError):
        await again.check()
    await again.check(force=True)
    assert again.gateway.requests == [], "what was paid is not paid again"
    assert any("scores 1.00 on 27 tasks" in line for line in again.watch.notes("warning"))
    await again.check()  # who forced it once is not asked again


async def test_a_few_solved_tasks_are_no_reason_to_refuse(folder: Path) -> None:
    stage = Stage(folder, adds(lambda a, text: a % 8 != 0), SIZES)
    await stage.check()
    assert told(stage.archive, "s")["refusals"] == []


async def test_a_model_that_never_answers_in_format_is_refused(folder: Path) -> None:
    stage = Stage(folder, lambda request: "I would rather not.")
    with pytest.raises(ConfigError, match="not one of 26 evaluations of chain_of_thought and"):
        await stage.check()
    half = adds(lambda a, text: False)
    said = Stage(
        another(folder, "half"),
        lambda request: half(request) if "step" in request.messages[-1].content else "no",
    )
    await said.check()
    warned = said.watch.notes("warning")
    assert any("13 of 13 evaluations of direct gave no answer" in line for line in warned)


async def test_too_few_tasks_are_refused_before_any_call(folder: Path) -> None:
    stage = Stage(folder, HALF, {"train": 2, "validation": 3, "test": 3})
    with pytest.raises(ConfigError, match="3 validation tasks and 3 test tasks can show no"):
        await stage.check()
    assert stage.gateway.requests == []
    await stage.check(force=True)
    assert len(stage.gateway.requests) == 2 * (2 + 3)


async def test_only_the_preflight_ends_the_run_whatever_it_found(folder: Path) -> None:
    for script in (HALF, ALL):
        stage = Stage(another(folder, str(id(script))), script)
        with pytest.raises(Interrupted, match=ONLY):
            await stage.check(only=True)
    assert told(stage.archive, "s")["verdict"] == "refuse"


async def test_it_is_made_once_and_who_leaves_it_out_is_not_asked_again(folder: Path) -> None:
    stage = Stage(folder, ALL)
    await stage.check(run=False)
    await stage.check()
    assert stage.gateway.requests == []
    assert [one.kind for one in stage.archive.events("s")].count(EVENT) == 1


async def test_where_no_design_is_wanted_or_nothing_can_be_paid_there_is_nothing_to_look_for(
    folder: Path,
) -> None:
    stage = Stage(folder, ALL)
    for change in ({"search": {"designs": 0}}, {"record": "replay-only"}):
        whole = {**stage.config.model_dump(), **change}
        stage.config = SearchConfig.model_validate(whole)
        await stage.check()
    assert stage.gateway.requests == []
    assert stage.archive.events("s") == []


async def test_a_model_that_solves_nothing_is_told(folder: Path) -> None:
    stage = Stage(folder, adds(lambda a, text: False))
    await stage.check()
    assert any("no baseline has solved any of 13" in line for line in stage.watch.notes("warning"))
