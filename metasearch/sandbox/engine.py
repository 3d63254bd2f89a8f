"""The Docker engine: how it is reached, and what it says in one line when it is not."""

from __future__ import annotations

import os
import socket
from typing import Any

import docker
from docker.context import ContextAPI
from docker.errors import APIError, DockerException

from metasearch.errors import SandboxUnavailable

__all__ = ["connect", "reason"]

_START = "start Docker, or set DOCKER_HOST or a docker context to a running engine"


def connect(seconds: int = 60) -> docker.DockerClient:
    """Return a client of the engine that the docker command would use: DOCKER_HOST, else a context.

    Args:
        seconds: how long one request may take; the engine answers a ping in a few milliseconds.

    Raises:
        SandboxUnavailable: no engine, no permission, or something else answers there; one line.
    """
    try:
        _knock(_address())
        client = docker.from_env(timeout=seconds, max_pool_size=32)
        client.ping()
    except (DockerException, OSError, ValueError) as error:
        raise SandboxUnavailable(reason(error)) from None
    return client


def reason(error: BaseException) -> str:
    """Return one line that says what is wrong with the engine and how to mend it."""
    where = _address() or "the default address"
    for cause in _causes(error):
        if isinstance(cause, PermissionError):
            return (
                f"the Docker engine at {where} refuses this user; "
                "join the group docker (sudo usermod -aG docker $USER, then log in again)"
            )
        if isinstance(cause, (FileNotFoundError, ConnectionError)):
            return f"no Docker engine answers at {where}; {_START}"
    text = str(error.explanation or error) if isinstance(error, APIError) else str(error)
    if "no space left on device" in text.lower():
        return (
            f"the disk of the Docker engine at {where} is full; "
            f"free some (docker system prune): {_line(text)}"
        )
    return f"the Docker engine at {where} does not answer as one: {_line(text)}; {_START}"


def _address() -> str:
    """The engine's address: DOCKER_HOST, else the current context's."""
    try:
        return os.environ.get("DOCKER_HOST") or ContextAPI.kwargs_from_context().get("base_url", "")
    except (DockerException, OSError, ValueError):
        return ""  # a damaged context; the client says so itself


def _knock(address: str) -> None:
    """Raise what is wrong with a Unix socket; the client's own failure leaves sockets open."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(address.removeprefix("unix://"))


def _causes(error: BaseException | None) -> list[BaseException]:
    """All errors inside one: requests and urllib3 hand the first cause on as an argument."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 50:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, *one.args]
    return found


def _line(text: str, most: int = 200) -> str:
    return " ".join(text.split())[:most]
