"""Tasks and their scorers; `load` opens a domain by its name or its file."""

from __future__ import annotations

from metasearch.domains.base import Domain, Scorer, TaskSet, task_id
from metasearch.domains.loader import load

__all__ = ["Domain", "Scorer", "TaskSet", "load", "task_id"]
