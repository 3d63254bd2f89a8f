"""The command line: data on stdout, words on stderr, exit codes that a script can use."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    from metasearch.cli.app import app

    app.main(prog_name="metasearch")
