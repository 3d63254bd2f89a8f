from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Invoke


def test_strategies_are_compared_in_one_table(invoke: Invoke) -> None:
    result = invoke("bench", "strategies", "--searches", 3, "--designs", 4)
    assert result.exit_code == 0, result.stderr
    rows = [line.split()[:2] for line in result.stdout.splitlines()[3:] if line.strip()]
    names = ["evolve", "meta-agent-search", "cultural", "independent"]
    assert rows == [[world, name] for world in ("simulator", "table") for name in names]
    facts = json.loads(
        invoke("bench", "strategies", "--world", "table", "--searches", 3, "--json").stdout
    )
    assert facts["kind"] == "strategies"
    assert [one["strategy"] for one in facts["strategies"]] == names
    assert {one["world"] for one in facts["strategies"]} == {"table"}
    assert facts["strategies"][3]["lead"] == 0


def test_a_search_becomes_a_table_to_compare_on(
    invoke: Invoke, archive: Path, tmp_path: Path
) -> None:
    del archive
    made = invoke("bench", "table", "demo", "-o", tmp_path / "demo.jsonl")
    assert made.exit_code == 0, made.stderr
    assert "4 designs, 2 of them seeds, on 40 tasks" in made.stderr
    compared = invoke(
        "bench", "strategies", "--world", "table", "--table", tmp_path / "demo.jsonl", "--json"
    )
    assert len(json.loads(compared.stdout)["strategies"]) == 4
    missing = invoke("bench", "strategies", "--world", "table", "--table", "none.jsonl")
    assert missing.exit_code == 2
    assert "none.jsonl cannot be read: No such file" in missing.stderr
