"""The data dictionary in archive/README.md says what the tables are, no more and no less."""

from __future__ import annotations

import re

from metasearch.archive.migrate import views_sql
from metasearch.archive.models import METADATA
from metasearch.assets import asset

README = (asset("archive") / "README.md").read_text(encoding="utf-8")


def documented() -> dict[str, list[str]]:
    sections = re.split(r"^### (\w+)\n", README.partition("## Tables\n")[2], flags=re.MULTILINE)[1:]
    names, bodies = sections[::2], sections[1::2]
    return {
        name: re.findall(r"^\| `(\w+)` \| \S", body, re.MULTILINE)
        for name, body in zip(names, bodies, strict=True)
    }


def test_every_table_and_column_has_a_meaning_in_the_models_order():
    tables = {name: [column.name for column in t.columns] for name, t in METADATA.tables.items()}
    assert documented() == tables


def test_every_view_is_named():
    views = re.findall(r"CREATE VIEW (\w+)", views_sql())
    table = README.partition("| view |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == views
