"""Does a search over societies find something better, without any model?

Whole searches by the command line, as a user runs them: `Recombine` over members that are rules,
on `commons` and on `sanction`, five seeds each. The winner meets the sealed test, whose scenarios
are hidden (other constants, horizons, numbers of members, partners), beside the best seed; the
paired 95 % interval of the difference has to lie above zero.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from metasearch.archive import Archive
from metasearch.stats import paired_difference
from metasearch.types import Json, Split

GAMES = ("commons", "sanction")
SEEDS = 5
NEEDED = 4  # of them, for each game
MINUTES = 5.0  # a search
WHOLE = {"designs": 40, "train": 4, "validation": 40, "test": 200}
TINY = {"designs": 2, "train": 2, "validation": 6, "test": 6}


def figure(quick: bool) -> dict[str, Json]:
    """In how many searches of the worse game the winner is surely better than the best seed."""
    sizes, seeds = (TINY, 1) if quick else (WHOLE, SEEDS)
    with tempfile.TemporaryDirectory(prefix="metasearch-social-") as folder:
        found = [
            _search(Path(folder), game, seed, sizes) for game in GAMES for seed in range(seeds)
        ]
    above = {
        game: sum(
            one["low"] > 0 and one["minutes"] <= MINUTES for one in found if one["game"] == game
        )
        for game in GAMES
    }
    value = min(above.values())
    return {
        "value": value,
        "bound": NEEDED,
        "unit": f"of {SEEDS} searches with the interval above zero, the worse game",
        # The quick form only shows that searches come to their end: six episodes tell nothing.
        "holds": all(one["tasks"] for one in found) if quick else value >= NEEDED,
        "by_game": above,
        "mean_difference": {
            game: round(fmean(one["difference"] for one in found if one["game"] == game), 4)
            for game in GAMES
        },
        "searches": found,
    }


def _search(folder: Path, game: str, seed: int, sizes: dict[str, int]) -> dict[str, Json]:
    name = f"{game}-{seed}"
    place = folder / f"{name}.db"
    splits = ", ".join(f"{split} = {sizes[split]}" for split in ("train", "validation", "test"))
    settings = (
        f"domain.sizes={{{splits}}}",
        f"search.seed={seed}",
        f"search.designs={sizes['designs']}",
    )
    command = [
        *(sys.executable, "-m", "metasearch", "run", "--domain", game, "--model", "none"),
        *("--name", name, "--archive", str(place), "--display", "none", "--no-preflight"),
        *(part for one in settings for part in ("--set", one)),
    ]
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    minutes = (time.monotonic() - started) / 60
    with Archive.open(str(place), read_only=True) as archive:
        return {"game": game, "seed": seed, "minutes": round(minutes, 2), **_told(archive, name)}


def _told(archive: Archive, name: str) -> dict[str, Json]:
    """Return what the sealed test says of the winner and of the best seed."""
    winner = archive.entry(name, "best")
    seeds = [one for one in archive.entries(name) if one.proposer == "seed" and one.validation]
    tested = [one for one in seeds if one.summaries.get(Split.TEST)]
    base = max(tested, key=lambda one: one.validation.mean if one.validation else 0.0)
    ours, theirs = (_test_scores(archive, name, one.id) for one in (winner, base))
    shared = sorted(ours.keys() & theirs.keys())
    pair = paired_difference([ours[task] for task in shared], [theirs[task] for task in shared])
    return {
        "winner": winner.name,
        "seed_name": base.name,
        "tasks": len(shared),
        "scores": [round(fmean(each[task] for task in shared), 4) for each in (ours, theirs)],
        "difference": round(pair.mean, 4),
        "low": round(pair.low, 4),
        "high": round(pair.high, 4),
    }


def _test_scores(archive: Archive, name: str, entry_id: int) -> dict[str, float]:
    done = archive.evaluations(name, entry_id=entry_id, split=Split.TEST)
    return {one.task_id: one.score for one in done}
