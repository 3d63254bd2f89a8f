"""A society from launch to export by the command line: no model, in the wasm sandbox."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from metasearch.search.preflight import detectable
from metasearch.stats import wilson
from tests.cli.conftest import Invoke

CONFIG = """
name = "pairs"

[domain]
spec = "sanction"
sizes = { train = 1, validation = 4, test = 2 }
options = { rounds = 4 }

[model]
name = "none"

[sandbox]
name = "wasm"
parallel = 2

[search]
designs = 1
seeds = ["reputation_threshold", "tit_for_tat_third_party"]
stages = ["all"]
finalists = 1
simplify = false
"""


@pytest.mark.wasm
def test_a_society_of_rules_is_searched_looked_at_scored_again_and_exported(
    invoke: Invoke,
) -> None:
    Path("search.toml").write_text(CONFIG)
    ran = invoke("run", "--no-preflight")
    assert ran.exit_code == 0, ran.stderr
    assert "recombine: " in ran.stdout
    assert "alarm" not in ran.stderr, "nobody needs a model here"

    shown = json.loads(invoke("show", "best", "--json").stdout)
    assert {"all", "self", "mixed", "shock"} <= shown["metrics"].keys()
    assert 0 < shown["metrics"]["self"]["cooperation"] <= 1
    assert shown["anatomy"]["agents"] == 5
    assert "anatomy: " in invoke("show", "best").stdout

    again = invoke("rescore")
    assert again.exit_code == 0, again.stdout
    assert "all scores are the same" in again.stdout
    assert "reward_share" in again.stdout

    assert (
        invoke("export", "seed:reputation_threshold", "--as", "module", "-o", "pkg").exit_code == 0
    )
    recorded = json.loads(Path("pkg/tests/recorded.json").read_text())
    assert len(recorded) == 1
    assert {turn["request"]["kind"] for turn in recorded[0]["turns"]} >= {"play", "punish"}
    tested = subprocess.run(
        [sys.executable, "-S", "-m", "unittest", "discover", "-s", "tests"],
        cwd="pkg",
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stderr


def test_the_wrong_kind_of_seeds_is_refused_before_anything_runs(invoke: Invoke) -> None:
    folder = Path("mine")
    folder.mkdir()
    (folder / "one.py").write_text("async def solve(task):\n    return 1\n")
    config = CONFIG.replace('["reputation_threshold", "tit_for_tat_third_party"]', '"mine"')
    Path("search.toml").write_text(config)
    refused = invoke("run")
    assert refused.exit_code == 2
    assert "one.py: not a seed: it defines no `class Member(Player)`" in refused.stderr


@pytest.mark.wasm
def test_the_preflight_of_graded_episodes_goes_by_how_much_they_vary(invoke: Invoke) -> None:
    sizes = "{ train = 3, validation = 60, test = 60 }"
    text = CONFIG.replace("{ train = 1, validation = 4, test = 2 }", sizes)
    Path("search.toml").write_text(text.replace('["all"]', '[10, "all"]'))
    ran = invoke("run", "--preflight-only", "--display", "json")
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])

    first, second = (np.array(list(one["scores"].values())) for one in found["pilots"])
    assert len(first) == len(second) == 13
    unlike = first.var() + second.var()  # what two designs with nothing in common would show
    assert found["spread"] ** 2 == pytest.approx(
        (13 * (first - second).var() + 10 * unlike) / (13 + 10)
    )
    t = 2.0010 + 0.8477  # Student's t with 59 degrees of freedom at .975 and .8
    assert found["detectable"]["validation"] == pytest.approx(
        t * found["spread"] / math.sqrt(60), rel=1e-4
    )
    best = max(first, second, key=np.mean)
    assert found["noise"] == pytest.approx(best.std() / math.sqrt(60))
    as_right_or_wrong = detectable(60, found["discordance"])
    assert as_right_or_wrong is not None
    assert found["detectable"]["validation"] < as_right_or_wrong


@pytest.mark.wasm
def test_a_graded_score_has_one_interval_wherever_it_is_told(invoke: Invoke) -> None:
    Path("search.toml").write_text(CONFIG.replace("validation = 4", "validation = 12"))
    ran = invoke("run", "--no-preflight", "--display", "json")
    assert ran.exit_code == 0, ran.stderr
    events = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    live = {one["number"]: one for one in events if one.get("event") == "EntryDone"}
    assert len(live) == 3

    def same(one: Mapping[str, float], other: Mapping[str, float]) -> None:
        wanted = [one[key] for key in ("mean", "low", "high")]
        assert [other[key] for key in ("mean", "low", "high")] == pytest.approx(wanted)

    for each in json.loads(invoke("top", "--json").stdout)["entries"]:
        same(live[each["number"]], each["splits"]["validation"])
    assert invoke("report", "pairs", "--format", "json", "-o", "report.json").exit_code == 0
    lines = json.loads(Path("report.json").read_text())["designs"]
    assert len(lines) == 3
    for each in lines:
        same(live[each["number"]], each["score"])
    widths = [one["high"] - one["low"] for one in live.values()]
    wilsons = [wilson(one["mean"] * 12, 12) for one in live.values()]
    assert all(width < it.high - it.low for width, it in zip(widths, wilsons, strict=True))
