"""Is selection never worse than independent sampling where the designs are real?

On the stored table of a real model (`tests/fixtures/tabular_starter.jsonl`, see `tabular_record`):
the tasks are dealt anew for each search, one half ranks, the other tells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metasearch.testing.contest import CONTROL, rules_of
from metasearch.testing.tabular import Table, play, read_table
from metasearch.types import Json

TABLE = Path(__file__).parents[1] / "fixtures" / "tabular_starter.jsonl"
SEARCHES, QUICK = 1_000, 40
LOOKS = (3, 6, 9, 12, 15)  # proposals; independent sampling has only so many in the table


def selection_on_table(quick: bool) -> dict[str, Json]:
    """Points by which evolve's winner is truly better than that of independent sampling."""
    count, table = QUICK if quick else SEARCHES, read_table(TABLE)
    looks = [look for look in LOOKS if look <= table.drafts]
    own, control, crowd = (
        _truths(table, name, count, looks) for name in ("evolve", CONTROL, "meta-agent-search")
    )
    lead = own - control
    errors = lead.std(axis=0, ddof=1) / count**0.5
    # Never worse: at no look is it behind by more than chance explains.
    worst = float(((lead.mean(axis=0)) / np.where(errors > 0, errors, 1.0)).min())
    return {
        "value": round(float(lead.mean(axis=0).min()), 2),
        "bound": 0.0,
        "unit": "points of 100, at the worst of the looks, that evolve is ahead of independent",
        "holds": worst >= -2.0,
        "proposals": looks,
        "lead": lead.mean(axis=0).round(2).tolist(),
        "standard_error": errors.round(2).tolist(),
        "lead_of_whole_archive": (crowd - control).mean(axis=0).round(2).tolist(),
        "designs": len(table.rows),
        "searches": count,
    }


def _truths(table: Table, name: str, count: int, looks: list[int]) -> np.ndarray:
    """Return (searches, looks) true scores of the design that leads, in points."""
    rules = rules_of(name, looks[-1])
    found = [play(table, rules, seed).truth for seed in range(count)]
    return 100 * np.array(found)[:, looks]
