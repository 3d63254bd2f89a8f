"""The program: its commands, in the order in which a newcomer needs them."""

from __future__ import annotations

import click

from metasearch import __version__
from metasearch.cli.archive import archive
from metasearch.cli.base import App
from metasearch.cli.bench import bench
from metasearch.cli.compare import compare
from metasearch.cli.doctor import doctor
from metasearch.cli.domains import domains
from metasearch.cli.export import export
from metasearch.cli.image import image
from metasearch.cli.init import init
from metasearch.cli.lineage import lineage
from metasearch.cli.local import local
from metasearch.cli.prices import prices
from metasearch.cli.replay import replay
from metasearch.cli.report import report
from metasearch.cli.rescore import rescore
from metasearch.cli.run import resume, run
from metasearch.cli.seeds import seeds
from metasearch.cli.show import show
from metasearch.cli.simplify import simplify
from metasearch.cli.status import status
from metasearch.cli.steer import steer
from metasearch.cli.stop import pause, stop
from metasearch.cli.top import top
from metasearch.cli.trace import trace
from metasearch.cli.transfer import transfer

__all__ = ["app"]

COMMANDS = (
    run,
    pause,
    stop,
    resume,
    steer,
    status,
    top,
    show,
    compare,
    lineage,
    trace,
    replay,
    rescore,
    report,
    transfer,
    simplify,
    export,
    init,
    doctor,
    domains,
    seeds,
    prices,
    image,
    local,
    archive,
    bench,
)


@click.group(
    cls=App,
    commands=list(COMMANDS),
    chapters={
        "Search": ("run", "steer", "pause", "stop", "resume", "status", "transfer", "simplify"),
        "Look": ("report", "top", "show", "compare", "lineage", "trace", "replay", "rescore"),
        "Take away": ("export",),
        "Set up": (
            "init",
            "doctor",
            "domains",
            "seeds",
            "prices",
            "image",
            "local",
            "archive",
            "bench",
        ),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples="""
    metasearch run                        # a small search on a model on this machine
    metasearch compare best best-seed     # is the winner better, or lucky?
    metasearch export best --as file -o agent.py
    """,
)
@click.version_option(__version__, prog_name="metasearch")
def app() -> None:
    """Search for agentic systems that are worth keeping.

    A meta agent writes designs, a sandbox runs them, an archive keeps every score. Data goes to
    stdout, words to stderr. Exit codes: 0 done; 1 the answer is no; 2 usage or configuration; 3 the
    budget ended before one new design; 4 sandbox, gateway or archive unavailable; 70 a fault in
    metasearch itself; 130 interrupted, `metasearch resume` goes on.
    """
