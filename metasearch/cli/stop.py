"""`metasearch stop` and `metasearch pause`: end a search that runs in another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, opened
from metasearch.cli.output import words
from metasearch.errors import ConfigError

if TYPE_CHECKING:
    from metasearch.archive import Archive
    from metasearch.archive.records import SearchInfo

__all__ = ["pause", "stop"]

Command = TypeVar("Command", bound=Callable[..., Any])

NOT_RUNNING = 1
POLL_SECONDS = 0.25

_search = click.argument("search_id", metavar="[SEARCH]", required=False)
_now = click.option("--now", is_flag=True, help="Finish nothing: what is in flight is given up.")
_wait = click.option("--wait", is_flag=True, help="Return when it has ended.")


@click.command(
    cls=Verb,
    examples="""
    metasearch stop                      # the search that runs
    metasearch stop my-search --wait
    metasearch stop my-search --now      # without the test, and without waiting for replies
    """,
)
@_search
@_now
@_wait
@archive_option
def stop(search_id: str | None, now: bool, wait: bool, place: str | None) -> int:
    """End a running search, in whatever process it runs.

    What is in flight is finished and saved, then the best design and the best seed meet the test,
    and the search is "stopped". `metasearch resume` would go on with it.

    Works through the archive: from another terminal, and with PostgreSQL from another machine. Exit
    code 1: it does not run.
    """
    return _ask("stop", search_id, now=now, wait=wait, place=place)


@click.command(
    cls=Verb,
    examples="""
    metasearch pause my-search --wait && metasearch archive backup tonight.db
    metasearch resume my-search
    """,
)
@_search
@_now
@_wait
@archive_option
def pause(search_id: str | None, now: bool, wait: bool, place: str | None) -> int:
    """Interrupt a running search, in whatever process it runs.

    As Ctrl-C there: what is in flight is finished and saved, and the search is "paused".
    `metasearch resume` goes on as if nothing had happened. Exit code 1: it does not run.
    """
    return _ask("pause", search_id, now=now, wait=wait, place=place)


def _ask(word: str, search_id: str | None, *, now: bool, wait: bool, place: str | None) -> int:
    from metasearch.search.hold import Wish, ask

    with opened(place, read_only=False) as archive:
        info = _running(archive, search_id, word)
        if info is None:
            return NOT_RUNNING
        lease = info.lease
        who = f"pid {lease.pid} on {lease.host}" if lease else "its process"
        ask(archive, info.id, Wish(word), now=now)
        what = "at once" if now else "once what is in flight is finished"
        words(f"asked {who} to {word} search {info.id} {what}")
        if not wait:
            words(f"  how it stands: metasearch status {info.id}")
            return 0
        while archive.is_running(info.id):
            time.sleep(POLL_SECONDS)
        ended = archive.search(info.id)
        words(
            f"search {ended.id} is {ended.status}" + (f": {ended.reason}" if ended.reason else "")
        )
    return 0


def _running(archive: Archive, search_id: str | None, word: str) -> SearchInfo | None:
    """Return the search that is meant, or None, after words, when it does not run.

    Raises:
        ConfigError: there is no such search, or several run and none was named.
    """
    if search_id is not None:
        info = archive.search(search_id)
        if archive.is_running(info.id):
            return info
        state = "interrupted" if info.status == "running" else str(info.status)
        words(f"search {info.id} does not run, it is {state}; there is nothing to {word}")
        return None
    live = [info for info in archive.searches() if archive.is_running(info.id)]
    if len(live) > 1:
        names = ", ".join(info.id for info in live)
        raise ConfigError(f"several searches run, name one to {word}: {names}")
    if not live:
        words(f"no search of {archive.where} runs; there is nothing to {word}")
    return live[0] if live else None
