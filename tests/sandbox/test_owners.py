from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metasearch.sandbox import owners

SAYS_ITS_LABELS = (
    "import json; from metasearch.sandbox.owners import labels;"
    "print(json.dumps(labels('r')), flush=True); input()"
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_killed_owner_is_dead_before_its_parent_has_asked_for_it() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", SAYS_ITS_LABELS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    labels = json.loads(owner.stdout.readline())
    assert owners._lives(labels)
    assert not owners._lives({**labels, "metasearch.since": "1"})  # the number is another's by now
    owner.kill()
    stat = Path(f"/proc/{owner.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert not owners._lives(labels)
    owner.communicate()
    assert not owners._lives(labels)
