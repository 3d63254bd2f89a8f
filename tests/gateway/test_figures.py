"""The figures about money and storms in a form short enough for every run of the tests."""

from __future__ import annotations

import pytest

from tests.benchmarks import budget_never_exceeded, storm, waiting_calls


def test_random_searches_keep_to_their_caps_and_nearly_use_them_up(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(budget_never_exceeded, "QUICK_RUNS", 24)
    found = budget_never_exceeded.figure(quick=True, place=place)
    assert found["value"] == 0
    assert found["least_used"] >= 0.9
    assert found["calls"] == found["requests_served"] > 24 * 10
    assert found["holds"]


def test_in_a_storm_every_evaluation_is_answered_and_no_fault_is_scored(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(storm, "QUICK_EVALUATIONS", 100)
    monkeypatch.setattr(storm, "LATENCY", 0.02)
    found = storm.figure(quick=True, place=place)
    assert found["outcomes"] == {"answered": 100}
    assert found["replies"] == 200
    assert set(found["faults"]) == {"429", "500", "reset", "truncated"}
    assert 0.25 < found["share_of_faults"] < 0.55
    lost = found["faults"]["reset"] + found["faults"]["truncated"]
    assert found["calls_paid"] == 200 + lost


def test_waiting_calls_take_little_memory_and_end_when_they_are_no_longer_wanted() -> None:
    found = waiting_calls.figure(quick=True)
    assert found["waiting"] == waiting_calls.QUICK_WAITING
    assert found["ended_well"]
    assert found["value"] < waiting_calls.BOUND
