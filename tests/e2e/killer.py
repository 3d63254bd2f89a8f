"""Runs a search, kills it and resumes it until it ends; looks each time at what is left."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from metasearch.testing.endpoint import EndpointProcess
from metasearch.types import Json
from tests.e2e.remains import (
    Snapshot,
    children,
    containers,
    differences,
    found,
    lost,
    orphans,
    sealed_terms,
    snapshot,
    spent,
)
from tests.e2e.torment import LOG, PRICE, Book, World

# When to kill: before the first request; after some requests; in the sealed test; at the very end.
EARLY, CALLS, TEST, END = "early", "calls", "test", "end"
HANGS_SECONDS = 180.0
POLL_SECONDS = 0.004
# Who may be waiting for a reply at one moment: three evaluations with at most six questions at
# once each, and three proposals.
MOST_IN_FLIGHT = 3 * 6 + 3


class Reference(NamedTuple):
    """What an undisturbed run of the same search came to.

    Attributes:
        found: see `remains.found`.
        paid: the requests it paid for, and what that cost in dollars.
        terms: first terms of the sums of the sealed split.
        tests: requests that the sealed split took.
        startup: seconds until the first request.
    """

    found: dict[str, Json]
    paid: set[str]
    dollars: float
    terms: set[int]
    tests: int
    startup: float


@dataclass(slots=True)
class Tally:
    """What came of the kills so far.

    Attributes:
        wrong: whatever should not be.
        phases: kills by the stretch of the search's life in which they came.
        again: requests that were paid a second time, all of them in flight at a kill.
        most_again: the most that one kill cost.
    """

    wrong: list[str] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)
    again: int = 0
    most_again: int = 0
    searches: int = 0
    containers_left: int = 0
    slowest_death: float = 0.0

    @property
    def kills(self) -> int:
        """Return how many there were."""
        return self.phases.total()


@dataclass(slots=True)
class Torment:
    """One search, killed and resumed until it ends.

    Attributes:
        place: of its archive, as `--archive` takes it.
        temporary: the folder for temporary files of the search's processes.
        cache: the folder of the processes' prepared files; None is the user's own.
    """

    world: World
    place: str
    temporary: Path
    cache: Path | None
    rng: random.Random
    tally: Tally
    book: Book = field(init=False)
    _config: Path = field(init=False)
    _last: Snapshot = field(default_factory=Snapshot, init=False)
    _startup: float = field(default=math.inf, init=False)

    def undisturbed(self) -> Reference:
        """Run it without a kill."""
        with self._endpoint("undisturbed") as endpoint:
            self._config = self.world.write(endpoint.base_url)
            began = time.monotonic()
            process = self._start()
            self._await(process, lambda: bool(self.book.lines()))
            startup = time.monotonic() - began
            self._ended(process)
        left = snapshot(self.place, self.world.folder)
        terms = sealed_terms(self.place, self.world.name)
        tests = sum(line.about in terms for line in self.book.lines())
        return Reference(
            found(self.place, self.world.name), left.paid, left.dollars, terms, tests, startup
        )

    def tormented(self, plan: list[str], reference: Reference) -> None:
        """Kill it at the moments of the plan, resume it, and compare it in the end."""
        with self._endpoint("tormented") as endpoint:
            self._config = self.world.write(endpoint.base_url)
            for kind in plan:
                if self._last.status in ("finished", "stopped"):
                    break
                self._cycle(kind, reference)
            else:
                if self._last.status not in ("finished", "stopped"):
                    start = len(self.book.lines())
                    self._ended(self._start())
                    self._look(start, reference)
        self.tally.searches += 1
        self._finally(reference)

    def _endpoint(self, name: str) -> EndpointProcess:
        self.book = Book(self.world.folder / f"{name}.book")
        os.environ[LOG] = str(self.book.path)
        return EndpointProcess("tests.e2e.torment:script")

    def _start(self) -> subprocess.Popen[bytes]:
        """Run or resume: a search that has a row can be continued by either command."""
        again = self._last.of("search") and self.rng.random() < 0.5
        what = ["resume", self.world.name] if again else ["run", str(self._config)]
        # The preflight's evaluations are part of it, its verdict is not: in one world of a hundred
        # a baseline solves every task by chance.
        what.append("--force")
        with (self.world.folder / "errors").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "metasearch", *what, "--display", "none"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def _environment(self) -> Mapping[str, str]:
        cache = {} if self.cache is None else {"XDG_CACHE_HOME": str(self.cache)}
        mine = {"METASEARCH_ARCHIVE": self.place, "TMPDIR": str(self.temporary)}
        return {**os.environ, **mine, **cache}

    def _cycle(self, kind: str, reference: Reference) -> None:
        """Start it, kill it at a moment of this kind, and look at what is left."""
        start, known = len(self.book.lines()), children()
        process = self._start()
        alive = self._until(kind, process, start, reference)
        if alive:
            whole_group = self.rng.random() < 0.5
            with suppress(ProcessLookupError):
                (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        code = process.wait()
        began = time.monotonic()
        left_alive = orphans(known)
        self.tally.wrong += [f"{self.world.name}: orphan {one}" for one in left_alive]
        self.tally.slowest_death = max(self.tally.slowest_death, time.monotonic() - began)
        left = self._look(start, reference)
        if code == -signal.SIGKILL:
            self.tally.phases[left.phase] += 1
        elif code not in (0, 3):
            self.tally.wrong.append(f"{self.world.name}: exit code {code}, {self._said()}")

    def _until(
        self, kind: str, process: subprocess.Popen[bytes], start: int, reference: Reference
    ) -> bool:
        """Wait for a moment of this kind; False when the process has ended before it."""
        if kind == EARLY:
            longest = 1.2 * min(reference.startup, self._startup)
            until = time.monotonic() + self.rng.uniform(0.0, longest)
            return self._await(process, lambda: time.monotonic() > until)
        count = self.rng.randint(1, 20 if kind == CALLS else 3)
        delay = self.rng.uniform(0.0, 0.8 if kind == END else 0.1)

        began = time.monotonic()

        def reached() -> bool:
            if self.book.lines(start):
                self._startup = min(self._startup, time.monotonic() - began)
            if kind == CALLS:
                return len(self.book.calls(start)) >= count
            tests = {line for line in self.book.lines() if line.about in reference.terms}
            if kind == END:
                return len(tests) >= reference.tests
            fresh = sum(line.about in reference.terms for line in self.book.lines(start))
            return fresh >= count

        if not self._await(process, reached):
            return False
        until = time.monotonic() + delay
        return self._await(process, lambda: time.monotonic() > until)

    def _await(self, process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> bool:
        end = time.monotonic() + HANGS_SECONDS
        while process.poll() is None:
            if reached():
                return True
            if time.monotonic() > end:
                self.tally.wrong.append(f"{self.world.name}: hangs; {self._said()}")
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a run that nobody kills."""
        try:
            code = process.wait(HANGS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = -1
        if code not in (0, 3):
            self.tally.wrong.append(f"{self.world.name}: exit code {code}, {self._said()}")

    def _said(self) -> str:
        return (self.world.folder / "errors").read_text(errors="replace")[-600:]

    def _look(self, start: int, reference: Reference) -> Snapshot:
        """Compare what is there with what was there after the kill before.

        Args:
            start: lines in the book when the process began.
        """
        name, before = self.world.name, self._last
        self._last = left = snapshot(self.place, self.world.folder)
        wrong = [*lost(before, left), *left.faults]
        served = [line.identity for line in self.book.calls(start)]
        twice = [one for one, times in Counter(served).items() if times > 1 or one in before.paid]
        wrong += [f"request {one} was in the record and paid again" for one in twice]
        in_flight = {one for one in served if one not in left.paid}
        if len(in_flight) > MOST_IN_FLIGHT:
            wrong.append(f"{len(in_flight)} requests were in flight at once")
        self.tally.again += len(in_flight)
        self.tally.most_again = max(self.tally.most_again, len(in_flight))
        if left.dollars > self.world.usd:
            wrong.append(f"{left.dollars} dollars are more than the cap of {self.world.usd}")
        self.tally.wrong += [f"{name}, {left.phase}: {one}" for one in wrong]
        return left

    def _finally(self, reference: Reference) -> None:
        """Compare the end with that of the undisturbed run, and look for what was left lying."""
        name, left, wrong = self.world.name, self._last, self.tally.wrong
        if self.world.usd >= reference.dollars:
            mine = found(self.place, name)
            wrong += [f"{name}, at the end: {one}" for one in differences(reference.found, mine)]
            if left.paid != reference.paid:
                wrong.append(f"{name}: {len(left.paid ^ reference.paid)} other calls")
        elif left.status != "stopped":
            wrong.append(f"{name}: it is {left.status} although its cap was too low")
        charged = {line.identity: PRICE.of(line.usage) for line in self.book.lines()}
        if any(charged.get(one) != price for one, _, price in left.charges):
            wrong.append(f"{name}: the record's prices are not what the endpoint charged")
        if len(left.paid) != sum(not tried for _, tried, _ in left.charges):
            wrong.append(f"{name}: replies are kept twice")
        if (told := spent(self.place, name)) != left.dollars:
            wrong.append(f"{name}: {told} dollars are spent, the replies cost {left.dollars}")
        files = sorted(path.name for path in self.temporary.iterdir())
        wrong += [f"{name}: left in a temporary folder: {one}" for one in files]
        if self.world.sandbox == "docker":
            self._sweep()

    def _sweep(self) -> None:
        """Look for containers; what a start has not found `doctor --clean` has to."""
        self.tally.containers_left += len(containers(self.world.name))
        command = [sys.executable, "-m", "metasearch", "doctor", "--offline", "--clean"]
        subprocess.run(command, env=self._environment(), capture_output=True, check=False)
        self.tally.wrong += containers(self.world.name)
