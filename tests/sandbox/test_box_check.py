"""A container in which a limit is not in force is refused, whichever it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.box_check import Asked, check

ASKED = Asked(memory=1 << 30, pids=512, cpus=1.0, uid_base=20_001, slots=96)
SEEN: dict[str, Any] = {
    "version": 1,
    "slots": 96,
    "uid_base": 20_001,
    "cgroup": {
        "version": "1",
        "memory": "1073741824",
        "swap": "1073741824",
        "pids": "512",
        "cpu": "100000",
        "cpu_period": "100000",
    },
    "init": {"no_new_privileges": "1", "seccomp": "2"},
    "job": {
        "uids": [20_001] * 3,
        "groups": [20_001] * 3,
        "capabilities": {
            "CapEff": "0000000000000000",
            "CapPrm": "0000000000000000",
            "CapBnd": "00000000000000c0",
        },
        "interfaces": ["lo"],
        "writable": ["/jobs/0"],
        "limits": {"core": 0},
        "attacks": dict.fromkeys("abcdefghijkl", "EPERM"),
        "seat": dict.fromkeys("vwxyz", "EPERM"),
    },
}
SECOND = {
    "version": "2",
    "memory": "1073741824",
    "swap": "0",
    "pids": "512",
    "cpu": "100000 100000",
}


def test_what_is_as_asked_is_taken_on_both_generations_of_control_groups() -> None:
    check(SEEN, ASKED)
    check({**SEEN, "cgroup": {**SECOND, "cpu_period": ""}}, ASKED)


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("protocol", lambda seen: seen.update(version=2)),
        ("memory", lambda seen: seen["cgroup"].update(memory="9223372036854771712")),
        ("memory", lambda seen: seen["cgroup"].update(memory="")),
        ("swap", lambda seen: seen["cgroup"].update(swap="2147483648")),
        ("pids", lambda seen: seen["cgroup"].update(pids="max")),
        ("cpus", lambda seen: seen["cgroup"].update(cpu="-1")),
        ("memory", lambda seen: seen.update(cgroup={**SECOND, "memory": "max"})),
        ("swap", lambda seen: seen.update(cgroup={**SECOND, "swap": "max"})),
        ("cpus", lambda seen: seen.update(cgroup={**SECOND, "cpu": "max 100000"})),
        ("uid", lambda seen: seen["job"].update(uids=[20_001, 20_001, 0])),
        ("groups", lambda seen: seen["job"].update(groups=[20_001] * 3 + [0])),
        (
            "capabilities",
            lambda seen: seen["job"]["capabilities"].update(CapEff="00000000000000c0"),
        ),
        ("bounds", lambda seen: seen["job"]["capabilities"].update(CapBnd="00000000a80425fb")),
        ("no-new-privileges", lambda seen: seen["init"].update(no_new_privileges="0")),
        ("seccomp", lambda seen: seen["init"].update(seccomp="0")),
        ("network", lambda seen: seen["job"]["interfaces"].append("eth0")),
        ("writable", lambda seen: seen["job"]["writable"].append("/dev/shm")),
        ("refusal of a", lambda seen: seen["job"]["attacks"].update(a="done")),
        ("refusal of b", lambda seen: seen["job"]["attacks"].update(b="ENOENT")),
        ("number of attacks", lambda seen: seen["job"]["attacks"].pop("c")),
        ("refusal of z", lambda seen: seen["job"]["seat"].update(z="done")),
        ("number of attacks", lambda seen: seen["job"]["seat"].pop("v")),
    ],
)
def test_a_limit_that_is_not_in_force_is_named(
    named: str, change: Callable[[dict[str, Any]], object]
) -> None:
    seen = copy.deepcopy(SEEN)
    change(seen)
    with pytest.raises(SandboxUnavailable, match=f"does not enforce.*{named}.*nothing was run"):
        check(seen, ASKED)


@pytest.mark.parametrize("seen", [{}, {"cgroup": {}}, {**SEEN, "job": None}, {**SEEN, "job": []}])
def test_a_container_that_says_nonsense_is_refused(seen: dict[str, Any]) -> None:
    with pytest.raises(SandboxUnavailable, match="does not describe itself"):
        check(seen, ASKED)
