"""What the tests of the docker sandbox share: jobs, a model, and a look at the engine."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import docker
from docker.errors import NotFound

from metasearch.sandbox import owners
from metasearch.sandbox.base import Job, JobResult, Limits, Worker
from metasearch.sandbox.engine import connect
from metasearch.types import Json

LIMITS = Limits(active_seconds=10.0, wall_seconds=30.0)


def design(text: str) -> str:
    """Return a design's source without the indentation of the test around it."""
    return textwrap.dedent(text)


def job(prompt: str = "p", **limits: Any) -> Job:
    """Return a job with limits far above what it needs, some of them changed."""
    fields = {name: getattr(LIMITS, name) for name in Limits.__slots__} | limits
    return Job({"prompt": prompt, "answer_type": "str"}, limits=Limits(**fields))


class Model:
    """Answers after some seconds and counts."""

    def __init__(self, seconds: float = 0.0, text: str = "ok") -> None:
        self.seconds, self.text, self.calls = seconds, text, 0

    async def __call__(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer one call."""
        self.calls += 1
        await asyncio.sleep(self.seconds)
        return {"text": self.text, "finish": "stop"}


async def many(worker: Worker, number: int, model: Model, **limits: Any) -> list[JobResult]:
    """Run jobs at once; their prompts are their numbers."""
    return await asyncio.gather(*(worker.run(job(str(n), **limits), model) for n in range(number)))


def asked(question: Callable[[docker.DockerClient], Any]) -> Any:
    """Ask the engine something and close the connection."""
    client = connect()
    try:
        return question(client)
    finally:
        client.close()


def containers(**labels: str) -> list[dict[str, Any]]:
    """Return what the engine says of every container of the project with these labels."""
    wanted: list[Any] = [
        owners.RUN,
        *(f"metasearch.{key}={value}" for key, value in labels.items()),
    ]

    def look(client: docker.DockerClient) -> list[dict[str, Any]]:
        found = client.api.containers(all=True, filters={"label": wanted})
        details = []
        for one in found:
            with suppress(NotFound):  # it has ended meanwhile
                details.append(client.api.inspect_container(one["Id"]))
        return details

    return list(asked(look))
