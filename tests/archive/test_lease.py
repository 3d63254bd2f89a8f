"""One search is run by one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.archive.database import utc_now
from metasearch.archive.searches import Tenant
from metasearch.errors import ConfigError
from tests.archive.conftest import Desk, HandClock

Holder = subprocess.Popen[str]


@pytest.fixture
def hold(desk: Desk, place: str) -> Iterator[Callable[[], tuple[Holder, str]]]:
    """Start processes that claim the search, and say what each was told."""
    started: list[Holder] = []

    def start() -> tuple[Holder, str]:
        command = [sys.executable, "-m", "tests.archive.children", "hold", place, "s1"]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(holder)
        assert holder.stdout is not None
        return holder, holder.stdout.readline().strip()

    yield start
    for holder in started:
        holder.kill()
        holder.communicate()


def test_a_second_process_is_refused_and_told_who_runs_it(
    desk: Desk, hold: Callable[[], tuple[Holder, str]], clock: HandClock
):
    clock.now = utc_now()  # the other process's clock
    desk.archive.claim("s1")
    _, said = hold()
    assert f"already running as pid {os.getpid()} on " in said
    assert "metasearch stop s1" in said
    desk.archive.release("s1")
    _, said = hold()
    assert said == "held"


def test_a_holder_in_another_process_is_named_until_it_lets_go(
    desk: Desk, hold: Callable[[], tuple[Holder, str]], place: str
):
    holder, said = hold()
    assert said == "held"
    with Archive.open(place) as now:  # the child's clock is the real one
        with pytest.raises(ConfigError, match=f"already running as pid {holder.pid} on "):
            now.claim("s1")
        assert now.is_running("s1")
        lease = now.search("s1").lease
        assert lease is not None
        assert lease.pid == holder.pid
        holder.communicate("\n")
        now.claim("s1")
        now.release("s1")
        assert not now.is_running("s1")
        assert now.search("s1").lease is None


def test_what_a_killed_process_held_is_taken_over_at_once(
    desk: Desk, hold: Callable[[], tuple[Holder, str]], place: str
):
    holder, _ = hold()
    holder.kill()
    holder.wait()
    with Archive.open(place) as now:
        assert not now.is_running("s1")
        now.claim("s1")
        assert now.is_running("s1")


def test_silence_on_another_machine_is_waited_for_and_then_ends_the_lease(
    desk: Desk, clock: HandClock
):
    far = Tenant(desk.archive._database, pid=1, host="far")
    far.claim("s1")
    clock.pass_seconds(59)
    with pytest.raises(ConfigError, match="pid 1 on far"):
        desk.archive.claim("s1")
    far.heartbeat("s1")
    clock.pass_seconds(59)
    with pytest.raises(ConfigError, match="pid 1 on far"):
        desk.archive.claim("s1")
    clock.pass_seconds(2)
    desk.archive.claim("s1")
    with pytest.raises(ConfigError, match=f"pid {os.getpid()} on .* holds it now"):
        far.heartbeat("s1")
    far.release("s1")  # no longer its own: nothing happens
    assert desk.archive.is_running("s1")


def test_a_clock_set_back_is_no_death(desk: Desk, clock: HandClock):
    Tenant(desk.archive._database, pid=1, host="far").claim("s1")
    clock.pass_seconds(-3600)
    with pytest.raises(ConfigError, match="already running"):
        desk.archive.claim("s1")


def test_a_holder_whose_clock_is_set_back_keeps_what_it_holds(desk: Desk, clock: HandClock):
    clock.now = right = utc_now()
    seconds = [0.0]
    far = Tenant(desk.archive._database, pid=1, host="far", elapsed=lambda: seconds[0])
    far.claim("s1")
    for _ in range(30):  # five minutes, in which the far clock is an hour behind
        seconds[0] += 10
        clock.now = right - timedelta(hours=1)
        far.heartbeat("s1")
        right += timedelta(seconds=10)
        clock.now = right
        with pytest.raises(ConfigError, match="already running as pid 1 on far"):
            desk.archive.claim("s1")
    clock.pass_seconds(61)
    desk.archive.claim("s1")


def test_a_living_process_of_this_machine_loses_nothing_to_a_clock(
    desk: Desk, hold: Callable[[], tuple[Holder, str]], clock: HandClock
):
    holder, _ = hold()
    for hours in (-1, 1, 24 * 365):  # set back, set forth, asleep for a year
        clock.now = utc_now() + timedelta(hours=hours)
        with pytest.raises(ConfigError, match=f"already running as pid {holder.pid} on "):
            desk.archive.claim("s1")
        assert desk.archive.is_running("s1")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the kernel tells no start times")
def test_a_number_that_another_process_has_by_now_and_a_zombie_are_dead(
    desk: Desk, hold: Callable[[], tuple[Holder, str]]
):
    holder, _ = hold()
    far = Tenant(desk.archive._database, pid=os.getppid())  # lives, but is not who claimed
    far._token = "0123456789abcdef-1"
    with pytest.raises(ConfigError):
        far.claim("s1")
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # ended, and not collected
    far.claim("s1")
    desk.archive.claim("s1")
    assert desk.archive.is_running("s1")


def test_two_archives_of_one_process_are_two_holders(desk: Desk, place: str, clock: HandClock):
    desk.archive.claim("s1")
    desk.archive.claim("s1")  # to claim again what is ours is no fault
    with Archive.open(place, clock=clock) as second:
        with pytest.raises(ConfigError, match="already running"):
            second.claim("s1")
        desk.archive.close()
        second.claim("s1")


def test_the_same_pid_before_us_in_a_container_is_dead(desk: Desk):
    before = Tenant(desk.archive._database)
    before.claim("s1")
    before.close()  # as if its process had ended: nobody here knows its token
    desk.archive.claim("s1")
    assert desk.archive.is_running("s1")


def test_a_heartbeat_without_a_claim_is_refused(desk: Desk):
    with pytest.raises(ConfigError, match="nobody holds it now"):
        desk.archive.heartbeat("s1")
