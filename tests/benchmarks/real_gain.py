"""Does a real search find something better? On the model of this machine, domain `starter`.

For each seed one whole search by the command line, as a user runs it: other tasks, other choices.
Its winner meets the sealed test beside the best baseline of its price. Some twenty minutes a seed
on two free cores. The archive stays, so the same command goes on after an interruption, and shows
again at once what is done; METASEARCH_REAL_GAIN names another one than the user's cache has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

import platformdirs

from metasearch.archive import Archive
from metasearch.report.reckon import reckon
from metasearch.types import Json

SEEDS = (0, 1, 2)
NEEDED = 2  # of them, whose interval lies above zero
# The preset `local` with more test tasks, for 40 show differences of 20 points and more only, and
# with what it leaves out to save minutes: finals, and a baseline of the winner's own price.
WHOLE = (
    "domain.sizes={train=20, validation=40, test=120}",
    *("search.designs=16", "search.finalists=2", "search.equal_cost=true"),
)
MINUTES = 20
TINY = (
    "domain.sizes={train=2, validation=4, test=4}",
    "search.designs=1",
    "search.stages=['all']",
    "search.finalists=1",
    "search.proposers={recombine=1.0}",
    "search.seeds=['direct', 'program_of_thought']",
)


def figure(quick: bool) -> dict[str, Json]:
    """In how many searches the winner's paired 95 % interval on the sealed test is above zero."""
    if quick:
        with tempfile.TemporaryDirectory(prefix="metasearch-gain-") as folder:
            found = [_search(f"{folder}/archive.db", 0, TINY)]
    else:
        place = os.environ.get("METASEARCH_REAL_GAIN") or _kept()
        found = [_search(place, seed, WHOLE) for seed in SEEDS]
    above = sum(bool(one["done"]) and one["low"] > 0 for one in found)
    whole = [one for one in found if one["done"]]
    return {
        "value": above,
        "bound": NEEDED,
        "unit": f"of {len(SEEDS)} searches whose winner beats the best baseline of its price",
        # The quick form only shows that a search comes to its end: four tasks tell nothing.
        "holds": bool(whole) if quick else above >= NEEDED,
        "mean_difference": round(fmean(one["difference"] for one in whole), 3) if whole else None,
        "searches": found,
    }


def _kept() -> str:
    folder = Path(platformdirs.user_cache_dir("metasearch")) / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / "real_gain.db")


def _search(place: str, seed: int, changes: tuple[str, ...]) -> dict[str, Json]:
    """Run a search, or go on with it, and return what its test says."""
    name = f"gain-{seed}"
    settings = (*changes, f"search.seed={seed}")
    command = [
        *(sys.executable, "-m", "metasearch", "run", "--preset", "local", "--name", name),
        *("--archive", place, "--minutes", str(MINUTES), "--display", "plain", "--no-preflight"),
        *(part for one in settings for part in ("--set", one)),
    ]
    # Not in this folder: no search.toml of somebody's takes part. Its words go to stderr.
    with tempfile.TemporaryDirectory(prefix="metasearch-gain-") as folder:
        done = subprocess.run(command, cwd=folder, env=_environment(), stdout=sys.stderr)
    with Archive.open(place, read_only=True) as archive:
        return _told(archive, name, seed, done.returncode)


def _environment() -> dict[str, str]:
    """Return the environment without what would change the search: it is the model here."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("METASEARCH_")}
    kept.pop("OPENAI_API_KEY", None)
    root = str(Path(__file__).resolve().parents[2])
    return {**kept, "PYTHONPATH": root, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


def _told(archive: Archive, name: str, seed: int, code: int) -> dict[str, Json]:
    report = reckon(archive, name)
    facts: dict[str, Json] = {
        "seed": seed,
        "exit": code,
        "status": str(archive.search(name).status),
    }
    if report.winner is None or report.test is None:
        return {**facts, "done": False}
    pair, names = report.test.pair, {one.number: one.name for one in report.lines}
    return {
        **facts,
        "done": True,
        "winner": report.winner.name,
        "baseline": names.get(report.test.baseline, str(report.test.baseline)),
        "tasks": pair.tasks,
        "scores": [round(pair.mean_a, 3), round(pair.mean_b, 3)],
        "difference": round(pair.difference.mean, 3),
        "low": round(pair.difference.low, 3),
        "high": round(pair.difference.high, 3),
        "p": round(pair.p, 4),
        "designs": report.tried,
    }
