from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from metasearch.cli.display.choose import NoDisplay, open_display
from metasearch.cli.display.json_lines import JsonDisplay
from metasearch.cli.display.live import LiveDisplay
from metasearch.cli.display.plain import PlainDisplay
from metasearch.cli.display.progress import Progress, duration
from metasearch.cli.output import is_live
from metasearch.gateway.base import Caps
from metasearch.gateway.base import Spent as Part
from metasearch.search.events import (
    Alarm,
    BudgetUsed,
    EndpointBack,
    EndpointDown,
    EntryAdded,
    EntryDone,
    EvaluationDone,
    Event,
    Expected,
    Note,
    SearchFinished,
    SearchStarted,
    Spent,
)
from metasearch.types import Outcome, Owner, Split, Usage


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _started(minutes: float | None = None) -> SearchStarted:
    caps = Caps(dollars=5, tokens=100_000)
    return SearchStarted("s1", "starter", "tiny", "wasm", "evolve", 2, 10, 40, caps, minutes)


def _done(number: int, mean: float, status: str = "evaluated") -> EntryDone:
    low, high = max(0, mean - 0.1), min(1, mean + 0.1)
    return EntryDone(number, f"design {number}", status, mean, low, high, 40, 20, 120.0, 0.0, "")


def _evaluated(outcome: Outcome = Outcome.ANSWERED) -> EvaluationDone:
    return EvaluationDone(2, Split.VALIDATION, outcome, 1.0, 0.5)


EVENTS: list[Event] = [
    _started(),
    EntryAdded(2, "evil \x1b[31m[bold]\nname", "recombine", "crossover", (0, 1)),
    EntryAdded(3, "", "meta-agent", "", (), "invalid", "line 1:\nbad"),
    Expected(80),
    _evaluated(),
    _evaluated(Outcome.TIMED_OUT),
    _done(2, 0.75),
    Spent(1.25, Usage(900, 0, 100), 12),
    Note("the endpoint is slow", "warning"),
    SearchFinished("s1", "stopped", "$5 is spent", 3),
]


def test_plain_is_one_line_for_each_event_and_never_folded() -> None:
    stream = io.StringIO()
    display = PlainDisplay(stream, Clock())
    for event in EVENTS:
        display.show(event)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 6  # started, two added, one done, the note, finished
    assert "cap: $5, 100,000 tokens" in lines[0]
    assert "#2 evil [31m[bold] name (recombine, crossover of #0 and #1)" in lines[1]
    assert "#3 (no name) (meta-agent): invalid, line 1: bad" in lines[2]
    assert "#2 design 2: .75 [.65, .85] on 40 tasks" in lines[3]
    assert "warning: the endpoint is slow" in lines[4]
    assert "stopped, $5 is spent" in lines[5]
    assert "\x1b" not in stream.getvalue()


def test_plain_sums_evaluations_up_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    for event in EVENTS[:-1]:
        display.show(event)
    before = len(stream.getvalue().splitlines())
    for _ in range(50):
        display.show(_evaluated())
    assert len(stream.getvalue().splitlines()) == before
    clock.now += 16
    for _ in range(50):
        display.show(_evaluated())
    assert len(stream.getvalue().splitlines()) == before + 1
    last = stream.getvalue().splitlines()[-1]
    assert "designs 1/10 (2 proposed), evaluations 53/80" in last
    assert "best .75 [.65, .85] by #2 design 2" in last
    assert "$1.25 of $5, 1,000 tokens of 100,000, 12 calls" in last
    assert "failures: 1 timed_out, 1 invalid" in last


def test_plain_breaks_a_long_silence() -> None:
    stream, clock = io.StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    display.show(_started())
    for _ in range(25):
        clock.now += 5
        display.tick()
    assert len(stream.getvalue().splitlines()) == 3  # after one minute, and after two


def test_json_is_one_object_for_each_event() -> None:
    stream = io.StringIO()
    display = JsonDisplay(stream)
    for event in EVENTS:
        display.show(event)
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["event"] for one in records] == [type(event).__name__ for event in EVENTS]
    assert all(one["schema"] == 1 for one in records)
    assert records[5]["outcome"] == "timed_out"


def test_live_shows_all_counters_and_escapes_what_a_model_wrote() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=True, color_system=None)
    display = LiveDisplay(console, Clock())
    for event in EVENTS:
        display.show(event)
    foot = Console(file=io.StringIO(), width=120)
    foot.print(display._foot())
    display.close()
    display.close()
    text = foot.file.getvalue()  # type: ignore[attr-defined]
    for expected in ("1/10", "2/80", ".75 [.65, .85] by #2", "$1.25 of $5", "1 timed_out"):
        assert expected in text
    assert "\x1b[31m" not in stream.getvalue()


def test_the_rest_is_told_from_the_recent_pace_and_the_cap() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.take(_started())
    assert progress.remaining() is None
    for number in range(2, 6):
        clock.now += 30
        progress.take(_done(number, 0.5))
    assert progress.remaining() == pytest.approx(6 * 30)
    capped = Progress(clock)
    capped.take(_started(minutes=1))
    clock.now += 45
    assert capped.remaining() == pytest.approx(15)


def test_designs_that_end_in_a_burst_do_not_end_the_search() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.take(_started())
    clock.now += 300
    for number in range(2, 7):
        progress.take(_done(number, 0.5))
    assert progress.remaining() == pytest.approx(5 * 60)


def test_best_is_of_fully_evaluated_designs_only() -> None:
    progress = Progress(Clock())
    for event in (_started(), _done(2, 0.5), _done(3, 0.9, "stopped"), _done(4, 0.4)):
        progress.take(event)
    assert progress.best is not None
    assert progress.best.number == 2


def test_a_seed_is_no_new_design() -> None:
    progress = Progress(Clock())
    for event in (_started(), EntryAdded(0, "direct", "seed"), _done(0, 0.5), _done(2, 0.5)):
        progress.take(event)
    assert (progress.finished, progress.proposals) == (1, 0)
    for event in (EntryAdded(3, "self_consistency x 9", "baseline"), _done(3, 0.9)):
        progress.take(event)
    assert (progress.finished, progress.proposals) == (1, 0), "nor is what is made at the end"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (4.4, "4 s"), (99, "99 s"), (150, "2 min"), (11_100, "3 h 05 min")],
)
def test_durations_are_for_people(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_auto_is_plain_off_a_terminal_and_on_a_build_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert is_live(Terminal())
    assert not is_live(io.StringIO())
    monkeypatch.setenv("CI", "true")
    assert not is_live(Terminal())
    assert isinstance(open_display("auto", Clock()), PlainDisplay)
    assert isinstance(open_display("none", Clock()), NoDisplay)


TROUBLES: list[Event] = [
    BudgetUsed(0.5, "50 % of the budget of 5 dollars is used"),
    Alarm("truncated", 13, 40, "13 of 40 evaluations met a reply that was cut off: raise it"),
    EndpointDown("http://x/v1 answers 503: down\x1b[31m for repairs", 12, 5, 3600),
]


def _live() -> tuple[LiveDisplay, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=True, color_system=None)
    return LiveDisplay(console, Clock()), stream


def _foot(display: LiveDisplay) -> str:
    foot = Console(file=io.StringIO(), width=200)
    foot.print(display._foot())
    return str(foot.file.getvalue())  # type: ignore[attr-defined]


def test_trouble_is_a_line_of_its_own_and_stays_in_sight() -> None:
    stream = io.StringIO()
    plain = PlainDisplay(stream, Clock())
    live, scrolled = _live()
    for display in (plain, live):
        for event in (_started(), *TROUBLES):
            display.show(event)
    lines = stream.getvalue().splitlines()
    assert "budget: 50 % of the budget of 5 dollars is used" in lines[1]
    assert "alarm: 13 of 40 evaluations met a reply that was cut off: raise it" in lines[2]
    assert "waiting for 12 s: http://x/v1 answers 503: down[31m for repairs; next" in lines[3]
    assert "next attempt in 5 s, after 60 min the search pauses" in lines[3]
    assert "13 of 40" in _foot(live)
    assert "next attempt in 5 s" in _foot(live)
    assert "13 of 40" in scrolled.getvalue()
    for display in (plain, live):
        display.show(EndpointBack(72))
    assert "answers again, after 72 s" in stream.getvalue().splitlines()[-1]
    assert "next attempt" not in _foot(live)
    live.close()


def test_the_meters_of_proposing_and_evaluating_are_shown_apart() -> None:
    parts = {Owner.PROPOSER: Part(0.5, Usage(), 2), Owner.EVALUATION: Part(0.75, Usage(), 10)}
    stream, clock = io.StringIO(), Clock()
    display = PlainDisplay(stream, clock)
    display.show(_started())
    display.show(Spent(1.25, Usage(900, 0, 100), 12, parts))
    clock.now += 61
    display.tick()
    assert "$1.25 of $5 (proposing $0.5, evaluating $0.75), 1,000 tokens" in stream.getvalue()
    records = io.StringIO()
    JsonDisplay(records).show(Spent(1.25, Usage(900, 0, 100), 12, parts))
    assert json.loads(records.getvalue())["parts"]["evaluation"]["calls"] == 10


def test_minutes_that_were_used_before_are_not_left() -> None:
    clock = Clock()
    progress = Progress(clock)
    started = SearchStarted("s", "d", "m", "wasm", "evolve", 2, 10, 40, Caps(), 10, minutes_used=9)
    progress.take(started)
    assert progress.remaining() == pytest.approx(60)
