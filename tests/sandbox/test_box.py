"""PID 1's own rules, without a container: its code runs in a process of its own, never in ours."""

from __future__ import annotations

import json
import subprocess
import sys

from metasearch.assets import asset

ENDS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from runner import box

told = []
one = object.__new__(box.Box)
one._kills = 0
one.send = lambda kind, number, payload: told.append(json.loads(payload)["out_of_memory"])
box.probe.killed_for_memory = lambda: 2  # the kernel has ended two processes before PID 1 looks
for number in (1, 2, 3):
    one._say_end(number, "", 9, 0.0, 0)
print(json.dumps(told))
"""


def test_two_jobs_that_the_kernel_ends_at_once_are_both_told() -> None:
    image = asset("sandbox") / "image"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", ENDS, str(image)], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == [True, True, False]
