"""The archive as the rest of metasearch sees it: one object, plain values in and out."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

from metasearch.archive import (
    entries,
    evaluations,
    handover,
    integrity,
    migrate,
    queries,
    searches,
    transfer,
)
from metasearch.archive.bulk import no_collection
from metasearch.archive.calls import read_calls
from metasearch.archive.database import Clock, Database, Place, locate, utc_now
from metasearch.archive.evaluations import Measured
from metasearch.archive.record import Recorder, Writer
from metasearch.archive.records import (
    Counts,
    EntryInfo,
    EntryStatus,
    EventInfo,
    LineageStep,
    Sample,
    SearchInfo,
    SearchStatus,
    SpentRow,
    SqlResult,
)
from metasearch.archive.searches import Tenant
from metasearch.errors import ArchiveUnavailable, NoArchive
from metasearch.types import (
    Design,
    Evaluation,
    Json,
    ModelCall,
    Owner,
    Split,
    Task,
    Usage,
)

__all__ = ["Archive"]


class Archive:
    """Everything ever proposed, scored and paid, failures included.

    Each method is one transaction: when it returns, what it wrote is there for every process and
    survives a kill; when it raises, nothing of it is. Any method raises `ArchiveUnavailable` when
    the database fails, is full or locked.
    """

    where: str

    def __init__(self, database: Database) -> None:
        self.where = database.where
        self._database = database
        self._writer = Writer(database)
        self._tenant = Tenant(database)

    @classmethod
    def open(
        cls,
        where: str | Path | None = None,
        *,
        read_only: bool = False,
        create: bool = True,
        clock: Clock = utc_now,
    ) -> Archive:
        """Open an archive; its tables are made or moved up to this program's schema.

        Args:
            where: a file's path or an SQLAlchemy URL. None is what METASEARCH_ARCHIVE says, else
                `archive.db` in the user's data folder.
            read_only: refuse every write; an archive in a folder that cannot be written can be
                read so.
            create: whether a file that is not there is made.
            clock: gives the present moment, in UTC.

        Raises:
            ConfigError: `where` cannot be understood.
            ArchiveUnavailable: it is not there, no archive, newer than this program, or cannot be
                read or written.
        """
        place = locate(where)
        if place.file is not None:
            _check_file(place, place.file, write=not read_only, create=create and not read_only)
        database = Database(place, read_only=read_only, create=create, clock=clock)
        try:
            migrate.prepare(database, create=create and not read_only)
        except BaseException:  # whatever it was, no connection may stay open
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Commit what is queued and close all connections; safe to call twice."""
        self._writer.close()
        self._tenant.close()
        self._database.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The record of model calls

    def recorder(self, search_id: str) -> Recorder:
        """Return the record of calls as this search sees it: a `gateway.Record`."""
        return Recorder(self._database, self._writer, search_id)

    def spent(
        self, search_id: str, owner: Owner | None = None, split: Split | None = None
    ) -> SpentRow:
        """Return what a search has really paid, for one owner, on one split's tasks, or in all."""
        with self._database.reading() as connection:
            return queries.spent(connection, search_id, owner, split)

    # A search's life

    def create_search(
        self,
        *,
        id: str | None,
        domain: str,
        strategy: str,
        config: Mapping[str, Json],
        seed: int,
        tasks: Mapping[Split, Sequence[Task]],
    ) -> SearchInfo:
        """Write a new search, with its tasks in their order; its status is "running".

        Args:
            id: its name; None makes one from the date.
            config: plain JSON, for a resume.

        Raises:
            ConfigError: there is such a search already, or a task is in two splits.
        """
        return searches.create(
            self._database,
            id=id,
            domain=domain,
            strategy=strategy,
            config=config,
            seed=seed,
            tasks=tasks,
        )

    def search(self, id: str | None = None) -> SearchInfo:
        """Return a search by its name or the beginning of it; None is the newest.

        Raises:
            ConfigError: nothing, or more than one, fits; the message lists the known ones.
        """
        return searches.find(self._database, id)

    def searches(self) -> list[SearchInfo]:
        """Return all searches, the newest first."""
        return searches.known(self._database)

    def set_status(self, search_id: str, status: SearchStatus | str, reason: str = "") -> None:
        """Write where a search stands.

        Raises:
            ValueError: that is no status.
            ConfigError: there is no such search.
        """
        searches.set_status(self._database, search_id, SearchStatus(status), reason)

    def claim(self, search_id: str) -> None:
        """Make this process the one that runs a search, until `release`.

        A lease is taken over when its holder has ended (on this host), or was silent for more than
        60 s (on another).

        Raises:
            ConfigError: another process runs it; the message names its pid and host.
        """
        self._tenant.claim(search_id)

    def heartbeat(self, search_id: str) -> None:
        """Say that this process still runs the search; due well within 60 s.

        Raises:
            ConfigError: it was silent for too long, and another process has taken the search.
        """
        self._tenant.heartbeat(search_id)

    def release(self, search_id: str) -> None:
        """Give the search back; nothing happens when it is another's."""
        self._tenant.release(search_id)

    def is_running(self, search_id: str) -> bool:
        """Tell whether a living process holds the search."""
        return self._tenant.lives(search_id)

    def tasks(self, search_id: str, split: Split) -> list[Task]:
        """Return the tasks of one split in their stored order."""
        return searches.get_tasks(self._database, search_id, split)

    def add_event(self, search_id: str, kind: str, text: str) -> None:
        """Write a line into the search's log."""
        searches.add_event(self._database, search_id, kind, text)

    def events(self, search_id: str, after: int = 0) -> list[EventInfo]:
        """Return the log, oldest first, from behind the event whose id is `after`."""
        return searches.events(self._database, search_id, after)

    def counts(self, search_id: str) -> Counts:
        """Count entries by status and evaluations by split, without reading them."""
        with self._database.reading() as connection:
            return queries.counts(connection, search_id)

    # Entries

    def add_entry(
        self,
        search_id: str,
        *,
        design: Design | None,
        status: EntryStatus | str,
        proposer: str,
        operator: str = "",
        parents: Sequence[int] = (),
        reason: str = "",
        spent: Usage = Usage(),
        dollars: float = 0.0,
        raw: str = "",
        trace: Sequence[ModelCall] = (),
        number: int | None = None,
    ) -> EntryInfo:
        """Write one proposal.

        Args:
            parents: numbers of entries of this search, the main parent first.
            spent, dollars: what proposing it took.
            raw: what the proposer said, word for word; kept for a person to look at.
            trace: the calls that made it: the prompt that asked is part of its lineage.
            number: its place in the search; None is the next free one.

        Raises:
            KeyError: a parent is no entry of this search.
        """
        new = entries.NewEntry(
            design=design,
            status=EntryStatus(status),
            proposer=proposer,
            operator=operator,
            parents=parents,
            reason=reason,
            spent=spent,
            dollars=dollars,
            raw=raw,
            trace=trace,
            number=number,
        )
        return entries.add(self._database, search_id, new)

    def set_entry(
        self, entry_id: int, *, status: EntryStatus | str, reason: str | None = None
    ) -> None:
        """Write what became of a proposal; a reason of None leaves the one that is there."""
        entries.set_status(self._database, entry_id, EntryStatus(status), reason)

    def entries(
        self,
        search_id: str,
        *,
        statuses: Collection[EntryStatus | str] | None = None,
        with_summaries: bool = True,
    ) -> list[EntryInfo]:
        """Return a search's entries by number, with parents and, where wanted, summaries."""
        with self._database.reading() as connection:
            return entries.get(
                connection, search_id, statuses=statuses, with_summaries=with_summaries
            )

    def entry(self, search_id: str, ref: str) -> EntryInfo:
        """Return the entry that a person means.

        Args:
            ref: "12", "#12", a name, "seed:NAME", the beginning of a design's id, or "best": who
                won the finals; before them the highest validation mean among the fully evaluated,
                then the cheapest, then the oldest.

        Raises:
            ConfigError: nothing, or more than one, fits; the message lists what is near.
        """
        with self._database.reading() as connection:
            return entries.find(connection, search_id, ref)

    def entry_trace(self, entry_id: int) -> tuple[ModelCall, ...]:
        """Return the calls that made a proposal."""
        with self._database.reading() as connection:
            return read_calls(connection, "entry_id", [entry_id]).get(entry_id, ())

    def entry_raw(self, entry_id: int) -> str:
        """Return what the proposer said, word for word; "" when nothing was kept."""
        with self._database.reading() as connection:
            return entries.raw_text(connection, entry_id)

    # Evaluations

    def add_evaluation(self, search_id: str, entry_id: int, evaluation: Evaluation) -> int:
        """Write one evaluation and its trace; return its row's id.

        The same design, task and repeat is written once: a second time changes nothing, unless the
        first ended as `INFRASTRUCTURE`, which is no score: then the new one takes its place.
        """
        return evaluations.add(self._database, search_id, entry_id, evaluation)

    def evaluations(
        self,
        search_id: str,
        *,
        entry_id: int | None = None,
        split: Split | None = None,
        with_trace: bool = False,
    ) -> list[Evaluation]:
        """Return evaluations in the order in which they were written.

        Args:
            entry_id: of one entry only.
            split: of one split only.
            with_trace: read the calls too, with all that was said in them.
        """
        with no_collection(), self._database.reading() as connection:
            return evaluations.get(
                connection, search_id, entry_id=entry_id, split=split, with_trace=with_trace
            )

    def evaluations_by_entry(self, search_id: str, split: Split) -> dict[int, list[Evaluation]]:
        """Return the evaluations of a split without traces, by entry id, as they were written."""
        with no_collection(), self._database.reading() as connection:
            return evaluations.by_entry(connection, search_id, split)

    def measured(self, search_id: str) -> dict[int, list[Measured]]:
        """Return the figures of all evaluations of a search, by entry id, as they were written."""
        with no_collection(), self._database.reading() as connection:
            return evaluations.measured(connection, search_id)

    def trace(self, search_id: str, entry_id: int, task: str, repeat: int = 0) -> Evaluation:
        """Return one evaluation with its trace.

        Args:
            task: a task's id or the beginning of it.

        Raises:
            ConfigError: the entry was not evaluated on it; the message names tasks on which it was.
        """
        with self._database.reading() as connection:
            return evaluations.on_task(connection, search_id, entry_id, task, repeat)

    def scores(
        self, search_id: str, split: Split, numbers: Collection[int] | None = None
    ) -> dict[int, dict[Sample, float]]:
        """Return scores by entry number and by (task id, repeat), for paired comparisons.

        Args:
            numbers: of these entries only; None is all of them.
        """
        with no_collection(), self._database.reading() as connection:
            return queries.scores(connection, search_id, split, numbers)

    # Ranks and families

    def leaderboard(self, search_id: str, limit: int | None = None) -> list[EntryInfo]:
        """Return the fully evaluated entries, best first (see `entry` for the order)."""
        with self._database.reading() as connection:
            ids = queries.ranked_ids(connection, queries.LEADERBOARD, search_id, limit)
            return entries.get(connection, search_id, ids=ids)

    def pareto(self, search_id: str) -> list[EntryInfo]:
        """Return the entries for which no other is as good and cheaper, best first."""
        with self._database.reading() as connection:
            ids = queries.ranked_ids(connection, queries.PARETO_FRONT, search_id, None)
            return entries.get(connection, search_id, ids=ids)

    def lineage(
        self, search_id: str, number: int, towards: Literal["seeds", "children"] = "seeds"
    ) -> list[LineageStep]:
        """Return an entry and its family, nearest first.

        Args:
            number: of an entry of this search.
            towards: "seeds" for all it came from, "children" for all that came from it.
        """
        with self._database.reading() as connection:
            return queries.lineage(connection, search_id, number, towards)

    # For other tools

    def sql(self, query: str) -> SqlResult:
        """Run one query that only reads; `unzip(text.data)` gives a text's text.

        Raises:
            ConfigError: it is no query, it would write, or the database does not understand it.
        """
        return transfer.sql(self._database, query)

    def export(self, search_id: str, format: transfer.Format, out: TextIO) -> int:
        """Write a search as text; return the number of lines, a header not counted.

        Args:
            format: "jsonl" is everything, one object a line with its `type`: search, task, entry,
                evaluation (with trace). "csv" is one evaluation a line.

        Raises:
            ConfigError: there is no such search or format.
        """
        return transfer.export(self._database, self.search(search_id), format, out)

    def export_record(
        self, search_id: str, file: str | Path, *, secrets: Iterable[str] = ()
    ) -> handover.Handed:
        """Write a whole search, recorded replies and all, into a file for another archive.

        Args:
            file: a new one; compressed when its name ends in .gz.
            secrets: struck out of every text, as is whatever looks like a key.

        Raises:
            ConfigError: there is no such search, or the file exists.
            ArchiveUnavailable: it cannot be written; nothing is left of it.
        """
        search = self.search(search_id)
        return handover.write_record(self._database, search.id, Path(file), secrets)

    def import_record(self, file: str | Path, *, name: str | None = None) -> handover.Handed:
        """Take a search out of a file that `export_record` wrote: all of it, or nothing.

        Args:
            name: in place of the search's own.

        Raises:
            ConfigError: it is no record, of another version, cut off or damaged, or there is a
                search of that name.
        """
        return handover.read_record(self._database, Path(file), name)

    def backup(self, target: str | Path) -> None:
        """Copy the whole archive into a new file, while others write to it.

        Raises:
            ConfigError: the file exists already, or the archive is on a server.
            ArchiveUnavailable: it cannot be written, or the archive is damaged; nothing is left of
                it.
        """
        integrity.backup(self._database, Path(target))

    def check(self) -> list[str]:
        """Return what is wrong with the stored data, nothing when it is sound."""
        return integrity.check(self._database)


def _check_file(place: Place, file: Path, *, write: bool, create: bool) -> None:
    """Look before SQLite does, whose complaints come late and do not say what to do.

    Raises:
        ArchiveUnavailable: there is no file, it is something else, or it cannot be used.
    """
    where = place.label
    try:
        if file.is_dir():
            raise ArchiveUnavailable(
                f"archive {where}: it is a folder; name a file in it (--archive)"
            )
        if not file.exists():
            if not create:
                raise NoArchive(
                    f"archive {where}: there is none; `metasearch run` makes one, "
                    "or name another (--archive)"
                )
            file.parent.mkdir(parents=True, exist_ok=True)
            return
        with file.open("rb") as opened:
            start = opened.read(16)
        # The folder too: SQLite keeps its log beside the file.
        if write and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            raise PermissionError(errno.EACCES, "the file or its folder cannot be written")
    except OSError as error:
        raise ArchiveUnavailable(
            f"archive {where}: {error.strerror}; check the path and its permissions (--archive)"
        ) from None
    if start and start != b"SQLite format 3\x00":
        raise ArchiveUnavailable(
            f"archive {where}: it is not an SQLite database; name another (--archive)"
        )
