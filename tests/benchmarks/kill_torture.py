"""Searches are killed by `kill -9` at random moments, 200 times; nothing is lost or paid twice.

A search is a process of its own, its endpoint another one that writes down every request. After
each kill all rows are read and compared with those after the kill before; then the search is
resumed, until it ends. What it found has to be what an undisturbed run of it found. Most searches
run in the sandbox `wasm`, some in `docker` where an engine answers, and one has a cap that is too
low for it.

Archives are files; with `--postgres`, or METASEARCH_TORTURE_POSTGRES=1 for the figure, they are
databases of a PostgreSQL server that is started for the purpose.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from metasearch.types import Json
from tests import postgres
from tests.e2e.killer import CALLS, EARLY, END, TEST, Reference, Tally, Torment
from tests.e2e.remains import inherit_orphans
from tests.e2e.torment import World

KILLS, KILLS_QUICK = 200, 8
# Worst cases of calls in flight, the test's money and a probe at each start need room, or a cap
# that an undisturbed search keeps to would end one that is killed.
ROOM_USD = 0.1


def figure(quick: bool) -> dict[str, Json]:
    """Kills survived; the bound is on their number, everything that is wrong fails the figure."""
    kills = KILLS_QUICK if quick else KILLS
    options = ["--postgres"] if os.environ.get("METASEARCH_TORTURE_POSTGRES") else []
    measured = tortured("--kills", str(kills), *options)
    return {
        "value": measured["kills"],
        "bound": kills,
        "unit": "kills",
        "holds": measured["kills"] >= kills and not measured["wrong"],
        **measured,
    }


def tortured(*options: str) -> dict[str, Json]:
    """Torture in a process of its own, which inherits whatever a kill orphans."""
    command = [sys.executable, "-m", __name__, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Json] = json.loads(done.stdout.splitlines()[-1])
    return answer


@dataclass(frozen=True, slots=True)
class Torturer:
    """Tortures one search after the other.

    Attributes:
        folder: for everything.
        server: of the archives; None keeps them in files.
        cold: whether the first search has to prepare its interpreter.
    """

    folder: Path
    seed: int
    designs: int
    cold: bool
    server: postgres.Server | None
    tally: Tally

    def search(self, number: int, sandbox: str, kills: int, *, capped: bool) -> None:
        """Run one search undisturbed, and again with kills."""
        rng = random.Random(f"{self.seed} {number}")
        folder, seed = self._made(f"{number}"), self.seed * 1000 + number
        world = World(folder, seed, sandbox, designs=self.designs)
        quiet = self._torment(world, "undisturbed", rng)
        reference = quiet.undisturbed()
        usd = reference.dollars / 2 if capped else reference.dollars + ROOM_USD
        torment = self._torment(replace(world, usd=round(usd, 6)), "tormented", rng)
        torment.tormented(moments(rng, kills), reference)
        self._tell(number, world, reference)

    def _torment(self, world: World, name: str, rng: random.Random) -> Torment:
        place = str(self._made(f"{world.folder.name}/{name}") / "archive.db")
        if self.server is not None:
            place = self.server.url(self.server.database())
        # The first search finds no prepared interpreter, neither undisturbed nor tormented.
        cold = self.cold and self.tally.searches == 0
        cache = self._made(f"cache-{name}") if cold else None
        temporary = self._made(f"{world.folder.name}/{name}/temporary")
        return Torment(world, place, temporary, cache, rng, self.tally)

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _tell(self, number: int, world: World, reference: Reference) -> None:
        print(
            f"search {number} in {world.sandbox}: {len(reference.paid)} calls, "
            f"{reference.startup:.1f} s to the first; {self.tally.kills} kills so far, "
            f"{len(self.tally.wrong)} things wrong",
            file=sys.stderr,
        )


def moments(rng: random.Random, kills: int) -> list[str]:
    """Draw when to kill: the end of a plan lies in the test and at the end of the search."""
    late = [TEST, TEST, TEST, END, END][: max(2, kills // 4)]
    middle = [CALLS] * 3 + [EARLY]
    drawn = [rng.choice(middle) for _ in range(min(20, kills) - len(late) - 1)]
    return [EARLY, *drawn, *late]


def sandboxes(wanted: str) -> Iterator[str]:
    """Give the sandboxes of one search after the other: every fourth is `docker` if it can be."""
    for number in count():
        yield ("docker" if number % 4 == 2 else "wasm") if wanted == "both" else wanted


def main() -> None:
    """Print what came of it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--designs", type=int, default=6)
    parser.add_argument("--sandbox", choices=["wasm", "docker", "both"], default="both")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for everything, kept")
    given = parser.parse_args()
    began, tally = time.monotonic(), Tally()
    inherit_orphans()
    with ExitStack() as stack:
        folder = given.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-")))
        server = stack.enter_context(postgres.Server() if given.postgres else nullcontext())
        torturer = Torturer(
            folder, given.seed, given.designs, given.kills > KILLS_QUICK, server, tally
        )
        kinds = sandboxes(_possible(given.sandbox))
        while tally.kills < given.kills and not tally.wrong:
            number = tally.searches
            left = given.kills - tally.kills
            torturer.search(number, next(kinds), left, capped=number % 6 == 3)
    print(json.dumps(_summary(tally, time.monotonic() - began)))


def _possible(wanted: str) -> str:
    from metasearch.sandbox.docker import DockerSandbox

    return "wasm" if wanted == "both" and asyncio.run(DockerSandbox.available()) else wanted


def _summary(tally: Tally, seconds: float) -> dict[str, Json]:
    return {
        "kills": tally.kills,
        "wrong": tally.wrong[:20],
        "searches": tally.searches,
        "phases": dict(tally.phases),
        "paid_again": tally.again,
        "most_paid_again": tally.most_again,
        "containers_left_to_doctor": tally.containers_left,
        "slowest_death": round(tally.slowest_death, 2),
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    main()
