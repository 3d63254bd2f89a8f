"""Money and a failing endpoint in a whole search, over real HTTP, in a real sandbox."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.archive.worktime import worked_seconds
from metasearch.errors import ConfigError, GatewayUnavailable
from metasearch.search.config import SearchConfig, Sizes
from metasearch.search.events import (
    Alarm,
    BudgetUsed,
    EndpointBack,
    EndpointDown,
    EvaluationDone,
    Event,
    Spent,
)
from metasearch.search.launch import create, launch
from metasearch.testing.endpoint import Fault, Reaction, ScriptedEndpoint, ScriptedReply
from metasearch.types import Outcome, Owner, Split
from tests.e2e.scripted import script
from tests.e2e.test_scripted_search import Watching, config

pytestmark = pytest.mark.wasm
SIZES = Sizes(train=4, validation=9, test=6)


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metasearch.gateway.line.FIRST_DELAY", 0.02)
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.1)
    monkeypatch.setattr("metasearch.gateway.health.LONGEST_PAUSE", 0.3)


def settings(folder: Path, url: str, *, patience: float = 0.3, **budget: Any) -> SearchConfig:
    base = config(folder, url)
    changes = {
        "budget": base.budget.model_copy(update=budget),
        "model": base.model.model_copy(update={"patience": patience}),
        "domain": base.domain.model_copy(update={"sizes": SIZES}),
    }
    return base.model_copy(update=changes)


async def run(archive: Archive, chosen: SearchConfig, display: Watching) -> str:
    return await launch(create(chosen, archive), archive, display, running=display.running)


class Weather:
    """Answers as the script does, but for the time in which it is told to fail."""

    def __init__(self, fault: Fault, after: int) -> None:
        self.fault, self.after = fault, after
        self.asked = self.failed = 0
        self.down = False
        self.over = threading.Event()

    def __call__(self, request: dict[str, Any]) -> Reaction:
        self.asked += 1
        self.down = self.asked > self.after and not self.over.is_set()
        if self.down:
            self.failed += 1
            return self.fault
        return script(request)


class Clears(Watching):
    """Lets the weather clear once the search has said that it waits."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self.weather = weather

    def show(self, event: Event) -> None:
        super().show(event)
        downs = [one for one in self.events if isinstance(one, EndpointDown)]
        if len(downs) >= 3:
            self.weather.over.set()


def table(archive: Archive) -> list[object]:
    return [
        (e.number, e.design and e.design.id, e.status, e.validation and e.validation.mean)
        for e in archive.entries("sums")
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What the search finds where nothing fails."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with Archive.open(folder / "b.db") as archive, ScriptedEndpoint(script) as endpoint:
        asyncio.run(run(archive, settings(folder, endpoint.base_url), Watching()))
        return table(archive)


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503), Fault("reset"), Fault("html", status=502), Fault(status=404)],
    ids=lambda fault: fault.name,
)
async def test_a_search_waits_while_the_endpoint_is_down_and_goes_on_by_itself(
    fault: Fault, tmp_path: Path, undisturbed: list[object]
) -> None:
    weather = Weather(fault, after=12)
    display = Clears(weather)
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(weather) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url)
        assert await run(archive, chosen, display) == "finished"
        downs = [one for one in display.events if isinstance(one, EndpointDown)]
        assert len(downs) >= 3
        assert downs[0].trouble
        assert any(isinstance(one, EndpointBack) for one in display.events)
        kinds = [event.kind for event in archive.events("sums")]
        assert kinds.index("outage") < kinds.index("outage-over")
        assert all(row.outcome is Outcome.ANSWERED for row in archive.evaluations("sums"))
        disturbed = table(archive)
    assert disturbed == undisturbed


async def test_an_outage_beyond_the_limit_pauses_the_search_and_burns_few_calls(
    tmp_path: Path,
) -> None:
    weather = Weather(Fault(status=503), after=12)
    display = Watching()
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(weather) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url, outage_minutes=0.05)
        with pytest.raises(GatewayUnavailable, match=r"503.*waited 0\.05 minutes"):
            await run(archive, chosen, display)
        assert weather.failed < 200
        info = archive.search("sums")
        assert info.status == "paused"
        assert "503" in info.reason
        assert all(row.outcome is Outcome.ANSWERED for row in archive.evaluations("sums"))
        weather.over.set()
        assert await run(archive, chosen, Watching()) == "finished"


async def test_who_stops_a_search_that_waits_does_not_wait_for_the_endpoint(
    tmp_path: Path,
) -> None:
    weather = Weather(Fault(status=503), after=12)

    class Stops(Watching):
        def show(self, event: Event) -> None:
            super().show(event)
            if isinstance(event, EndpointDown) and self.search is not None:
                self.search.stop("enough")

    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(weather) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url)
        status = await asyncio.wait_for(run(archive, chosen, Stops()), 60)
        assert (status, archive.search("sums").reason) == ("paused", "enough")


async def test_a_cap_that_ends_the_search_still_opens_the_test(tmp_path: Path) -> None:
    cap = 180
    display = Watching()
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(script) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url, calls=cap)
        search = chosen.search.model_copy(update={"designs": 40, "in_flight": 1})
        assert await run(archive, chosen.model_copy(update={"search": search}), display) == (
            "stopped"
        )
        assert endpoint.served.requests == archive.spent("sums").calls <= cap
        opened = [one for one in archive.entries("sums") if Split.TEST in one.summaries]
        assert [one.summaries[Split.TEST].n for one in opened] == [6, 6, 6]
        said = [event.text for event in archive.events("sums") if event.kind == "budget"]
        assert said[0] == "50 % of the budget of 180 calls is used"
        assert said[1].startswith("100 %: the budget of 180 calls is used up")
        assert said[2] == "80 % of the budget of 180 calls is used"  # by the test
        assert "test-opened" in [event.kind for event in archive.events("sums")]
    shares = [one.share for one in display.events if isinstance(one, BudgetUsed)]
    assert shares == [0.5, 1.0, 0.8]
    last = [one for one in display.events if isinstance(one, Spent)][-1]
    assert sum(part.calls for part in last.parts.values()) == last.calls
    assert last.parts[Owner.PROPOSER].calls > 3


async def test_a_cap_on_proposing_ends_proposing_and_nothing_else(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(script) as endpoint:
        few = SearchConfig.model_validate({"budget": {"proposing": {"calls": 4}}}).budget.proposing
        chosen = settings(tmp_path, endpoint.base_url, proposing=few)
        search = chosen.search.model_copy(update={"designs": 5, "in_flight": 1})
        assert await run(archive, chosen.model_copy(update={"search": search}), Watching()) == (
            "stopped"
        )
        assert "budget of proposer of 4 calls" in archive.search("sums").reason
        assert archive.spent("sums", Owner.PROPOSER).calls == 4
        assert sum(Split.TEST in one.summaries for one in archive.entries("sums")) == 3


async def test_a_cap_that_cannot_hold_the_test_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    with Archive.open(tmp_path / "a.db") as archive:
        with pytest.raises(ConfigError, match=r"cannot hold the final test.*at least 30"):
            create(settings(tmp_path, "http://127.0.0.1:1/v1", calls=29), archive)
        assert archive.searches() == []


async def test_minutes_that_were_used_before_a_restart_count(tmp_path: Path) -> None:
    began = time.monotonic()
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(script) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url)
        assert await run(archive, chosen, Watching(stop_after=12)) == "paused"
        used = worked_seconds(archive.events("sums"), None)
        assert 0.2 < used < time.monotonic() - began
        # All that is left is less than nothing: the new run proposes no design at all.
        spent = settings(tmp_path, endpoint.base_url, minutes=used / 60 * 0.9)
        info = create(spent, archive)
        info = replace(info, config=spent.to_json())
        display = Watching()
        assert await launch(info, archive, display) == "finished"
        assert len(archive.entries("sums")) == 2
        assert "minutes are over" in archive.search("sums").reason
        texts = [one.text for one in display.events if isinstance(one, BudgetUsed)]
        assert any("minutes" in text for text in texts)


@pytest.mark.parametrize(
    ("bad", "outcome", "advice"),
    [
        (ScriptedReply("", finish="length"), Outcome.TRUNCATED, "raise model.max_tokens"),
        (ScriptedReply(" "), Outcome.BLANK, "blank reply"),
        (ScriptedReply(None, finish="content_filter"), Outcome.REFUSED, "refused or filtered"),
        (ScriptedReply("perhaps seven"), Outcome.WRONG_FORMAT, "cannot be read"),
    ],
    ids=lambda value: str(value) if isinstance(value, Outcome) else "",
)
async def test_each_kind_of_bad_reply_has_an_outcome_and_raises_one_alarm(
    bad: ScriptedReply, outcome: Outcome, advice: str, tmp_path: Path
) -> None:
    def react(request: dict[str, Any]) -> Reaction:
        text = "\n".join(message["content"] for message in request["messages"])
        return bad if "What is 1" in text else script(request)

    display = Watching()
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(react) as endpoint:
        chosen = settings(tmp_path, endpoint.base_url)
        search = chosen.search.model_copy(update={"designs": 0, "seeds": ("direct",)})
        domain = config(tmp_path, endpoint.base_url).domain  # more tasks: 20 are too few to tell
        await run(archive, chosen.model_copy(update={"search": search, "domain": domain}), display)
        rows = archive.evaluations("sums")
        kinds = [event.kind for event in archive.events("sums")]
    met = sum(row.outcome is outcome for row in rows)
    assert met > 0.05 * len(rows)
    assert all(row.score == 0 for row in rows if row.outcome is not Outcome.ANSWERED)
    assert {row.outcome for row in rows} == {Outcome.ANSWERED, outcome}
    assert kinds.count(f"alarm-{outcome}") == 1
    (alarm,) = [one for one in display.events if isinstance(one, Alarm)]
    assert alarm.kind == outcome
    assert 0.05 * alarm.of < alarm.count <= alarm.of <= len(rows)
    assert f"{alarm.count} of {alarm.of} evaluations" in alarm.text
    assert advice in alarm.text
    assert sum(isinstance(one, EvaluationDone) for one in display.events) == len(rows)
