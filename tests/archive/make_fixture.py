"""Write the fixture of the newest schema: `python -m tests.archive.make_fixture`.

Once a schema is released, its fixture is never written again: it stands for the archives of users.
"""

from __future__ import annotations

import datetime
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from metasearch.archive import Archive
from metasearch.archive.migrate import HEAD
from metasearch.archive.searches import Tenant
from metasearch.types import Outcome
from tests.archive.conftest import TASKS, Desk, HandClock, call, evaluation

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "archives"
WILD = "NUL \x00, half a pair \ud83d, 鹿"


def fill(archive: Archive, clock: HandClock) -> None:
    """Write something into every table and almost every column."""
    search = archive.create_search(
        id="old",
        domain="sums",
        strategy="evolve",
        config={"archive": None, "search": {"designs": 3}},
        seed=-7,
        tasks=TASKS,
    )
    desk = Desk(archive, search)
    Tenant(archive._database, pid=4711, host="elsewhere").claim("old")
    archive.add_event("old", "sandbox", "wasm, python 3.12.3")
    direct = desk.entry("direct", proposer="seed", raw="said", dollars=0.25)
    desk.evaluate(direct, [1, 0, 1, 0, 1, 0], trace=(call(0), call(1, said=WILD)), calls=2)
    clock.pass_seconds(30)
    better = desk.entry("better", parents=[0], operator="improve", trace=[call(2)])
    desk.evaluate(better, [1, 1, 1, 1, 0.5, 0], dollars=0.002, stdout="printed")
    lost = call(3, reply=None, error=f"429 {WILD}")
    spoilt = evaluation(
        better, repeat=1, outcome=Outcome.CRASHED, score=0.0, error=WILD, trace=(lost,), calls=1
    )
    archive.add_evaluation("old", better.id, spoilt)
    archive.add_entry("old", design=None, status="failed", proposer="meta-agent", reason="no code")
    desk.entry("half", status="pending", parents=[1, 0])
    archive.set_status("old", "paused", "interrupted")


def main() -> None:
    """Write the file."""
    FOLDER.mkdir(exist_ok=True)
    clock = HandClock(datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "archive.db"
        with Archive.open(made, clock=clock) as archive:
            fill(archive, clock)
        with closing(sqlite3.connect(made)) as database:
            lines = "\n".join(database.iterdump())
    (FOLDER / f"{HEAD}.sql").write_text(f"{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
