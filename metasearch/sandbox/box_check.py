"""Is what was asked of the engine in force? What PID 1 and a jailed process have seen says so.

Engines ignore flags without an error: rootless ones on the first generation of control groups set
no memory, processor or process limit at all. A container of which any of these is not true is not
used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox.box_wire import VERSION

__all__ = ["Asked", "check"]

_REFUSALS = {"EPERM", "EACCES", "EROFS", "ENOSYS"}
_ATTACKS = 12, 5  # that the probe makes, as a job and as a seat of a society
_CAPABILITIES = {6, 7}  # CAP_SETGID, CAP_SETUID: what PID 1 needs, in the bounding set only
# Every network namespace has these where the kernel's tunnel modules are loaded; none leads out.
_NOT_OUTSIDE = {
    "erspan0", "gre0", "gretap0", "ip6_vti0", "ip6gre0", "ip6tnl0", "ip_vti0", "lo", "sit0",
    "tunl0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a container was started with.

    Attributes:
        memory: bytes for all its processes together; swap is off.
        pids: processes and threads.
        cpus: processors, 1.0 is one.
        unreadable: limits that cannot be read inside are let pass: a runtime other than the
            engine's own keeps them outside.
    """

    memory: int
    pids: int
    cpus: float
    uid_base: int
    slots: int
    unreadable: bool = False


def check(seen: dict[str, Any], asked: Asked) -> None:
    """Compare READY with what was asked.

    Raises:
        SandboxUnavailable: names the first limit that is not in force.
    """
    try:
        for name, wanted, found, fine in [*_group(seen, asked), *_job(seen["job"], asked)]:
            if not fine:
                raise SandboxUnavailable(
                    f"the engine does not enforce a limit of the sandbox: {name} should be "
                    f"{wanted}, in force is {found!r}; nothing was run"
                )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SandboxUnavailable(
            f"the container does not describe itself as the image of this version does: {error!r}; "
            "run: metasearch image build"
        ) from error


_Rows = list[tuple[str, object, object, bool]]


def _group(seen: dict[str, Any], asked: Asked) -> _Rows:
    limits, init = seen["cgroup"], seen["init"]
    second = limits["version"] == "2"
    swap = "0" if second else str(asked.memory)  # the first generation counts memory and swap
    quota, _, period = (
        limits["cpu"].partition(" ") if second else (limits["cpu"], "", limits["cpu_period"])
    )
    cpus = int(quota) / int(period) if quota.isdigit() and period.isdigit() else quota
    rows: _Rows = [
        ("protocol", VERSION, seen["version"], seen["version"] == VERSION),
        ("slots", asked.slots, seen["slots"], seen["slots"] == asked.slots),
        ("no-new-privileges", "1", init["no_new_privileges"], init["no_new_privileges"] == "1"),
        ("seccomp", "2", init["seccomp"], init["seccomp"] == "2"),
    ]
    for name, wanted, found in (
        ("memory", str(asked.memory), limits["memory"]),
        ("pids", str(asked.pids), limits["pids"]),
        ("cpus", asked.cpus, cpus),
    ):
        rows.append((name, wanted, found, found == wanted or (found == "" and asked.unreadable)))
    # Without swap accounting the file is missing; memory itself is limited all the same.
    rows.append(("swap", swap, limits["swap"], limits["swap"] in (swap, "")))
    return rows


def _job(job: dict[str, Any], asked: Asked) -> _Rows:
    own = asked.uid_base
    bounding = {bit for bit in range(64) if int(job["capabilities"]["CapBnd"], 16) >> bit & 1}
    outside = set(job["interfaces"]) - _NOT_OUTSIDE
    effective = {job["capabilities"][key].strip("0") for key in ("CapEff", "CapPrm")}
    home = ["/jobs/0"]
    rows: _Rows = [
        ("uid", own, job["uids"], job["uids"] == [own] * 3),
        ("groups", own, job["groups"], set(job["groups"]) == {own}),
        ("capabilities", "none", effective, effective == {""}),
        ("capability bounds", _CAPABILITIES, bounding, bounding <= _CAPABILITIES),
        ("network", "none", outside, not outside),
        ("writable places", home, job["writable"], job["writable"] == home),
        ("core files", 0, job["limits"]["core"], job["limits"]["core"] == 0),
    ]
    for attack, result in [*job["attacks"].items(), *job["seat"].items()]:
        rows.append((f"refusal of {attack}", "an error", result, result in _REFUSALS))
    tried = len(job["attacks"]), len(job["seat"])
    rows.append(("number of attacks", _ATTACKS, tried, tried == _ATTACKS))
    return rows
