"""A few kills of a small search; `make torture` has hundreds of larger ones."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.kill_torture import tortured

SMALL = ("--designs", "2")
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inherits orphans by prctl"),
    pytest.mark.timeout(600),
]


@pytest.mark.wasm
def test_a_killed_search_loses_nothing_and_pays_nothing_twice() -> None:
    told = tortured("--kills", "6", "--sandbox", "wasm", *SMALL)
    assert told["wrong"] == []
    assert told["kills"] >= 6


@pytest.mark.wasm
@pytest.mark.postgres
def test_nor_does_one_whose_archive_is_on_a_server() -> None:
    told = tortured("--kills", "4", "--sandbox", "wasm", "--postgres", *SMALL)
    assert told["wrong"] == []
    assert told["kills"] >= 4


@pytest.mark.docker
def test_a_killed_search_leaves_no_container() -> None:
    told = tortured("--kills", "4", "--sandbox", "docker", *SMALL)
    assert told["wrong"] == []
    assert told["kills"] >= 4
