"""Every error that a user of metasearch can meet.

MetasearchError
 +-- ConfigError           an option, file or reply is wrong and the user can mend it; exit code 2
 +-- BudgetExhausted       a cap is reached: a normal end; exit code 3 before one generation
 +-- Unavailable           something outside is missing or down; exit code 4
      +-- SandboxUnavailable
      +-- GatewayUnavailable
      +-- ArchiveUnavailable
           +-- NoArchive
           +-- OldArchive

A design's own failure is never an exception here: it is an `Outcome` of its evaluation.
"""

from __future__ import annotations

__all__ = [
    "ArchiveUnavailable",
    "BudgetExhausted",
    "ConfigError",
    "GatewayUnavailable",
    "MetasearchError",
    "NoArchive",
    "OldArchive",
    "SandboxUnavailable",
    "Unavailable",
]


class MetasearchError(Exception):
    """Base of all; its text is one line that says what, where and how to mend it."""

    exit_code = 1


class ConfigError(MetasearchError):
    """An option, a file or a value is wrong and the user can mend it."""

    exit_code = 2


class BudgetExhausted(MetasearchError):
    """The next call does not fit under a cap; what is already done stays."""

    exit_code = 3


class Unavailable(MetasearchError):
    """Something outside this program is missing or does not answer."""

    exit_code = 4


class SandboxUnavailable(Unavailable):
    """No sandbox can run a design here; never a design's doing."""


class GatewayUnavailable(Unavailable):
    """The model's endpoint refuses or does not answer; never a score."""


class ArchiveUnavailable(Unavailable):
    """The archive is locked, newer than this program, damaged, or its disk is full."""


class NoArchive(ArchiveUnavailable):
    """There is none at that place yet."""


class OldArchive(ArchiveUnavailable):
    """An older release wrote it, and it was opened for reading only."""
