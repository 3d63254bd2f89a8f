"""Whose containers are these? Labels that say so, and a broom for those of dead processes."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

__all__ = ["RUN", "labels", "remove_of_dead", "remove_of_run"]

RUN = "metasearch.run"
_HOST, _PID, _SINCE = "metasearch.host", "metasearch.pid", "metasearch.since"


def labels(run: str) -> dict[str, str]:
    """Return the labels of a container that this process owns."""
    pid = os.getpid()
    return {RUN: run, _HOST: platform.node(), _PID: str(pid), _SINCE: _since(pid)}


def remove_of_run(client: docker.DockerClient, run: str) -> int:
    """Remove every container of one run; return how many there were."""
    return _remove(client, {RUN: run})


def remove_of_dead(client: docker.DockerClient) -> int:
    """Remove the containers whose owner was a process of this machine and is no more."""
    found = client.api.containers(all=True, filters={"label": [RUN, f"{_HOST}={platform.node()}"]})
    dead = {one["Labels"][RUN]: None for one in found if not _lives(one["Labels"])}
    return sum(remove_of_run(client, run) for run in dead)


def _remove(client: docker.DockerClient, wanted: dict[str, str]) -> int:
    chosen: list[Any] = [f"{key}={value}" for key, value in wanted.items()]
    found = client.api.containers(all=True, filters={"label": chosen})
    for one in found:
        with suppress(NotFound, APIError):  # it is being removed already
            client.api.remove_container(one["Id"], force=True)
    return len(found)


def _lives(found: dict[str, str]) -> bool:
    pid = found.get(_PID, "")
    if not pid.isdigit():
        return True  # not labelled by us: leave it alone
    since = _since(int(pid))
    if since:
        return since == found.get(_SINCE)  # else the number belongs to another process by now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _since(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where there is no /proc."""
    with suppress(OSError, IndexError):
        # The second field is the program's name and may hold blanks and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        # Killed, and its parent has not asked how it ended, as some init processes never do.
        return "never" if fields[0] in "ZX" else fields[19]
    return ""
