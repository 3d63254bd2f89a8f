"""The sandbox `docker`: a hardened container per design, a fresh process per job.

A container sees one design and is then removed. Inside it a fork server makes a process for every
job, with a uid, a small folder and a system call filter of its own; `sandbox/README.md` says what
that holds back and what it does not.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
import uuid
from collections import Counter, deque
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import docker
from docker.errors import DockerException

from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import image, owners
from metasearch.sandbox.base import MEMBER, AnswerCall, Job, JobResult, Worker
from metasearch.sandbox.container import Attempt, Container, Engine, Settings
from metasearch.sandbox.engine import connect, reason
from metasearch.types import Json, Outcome

__all__ = ["DockerSandbox"]

_CPUS = 2  # of a container; many jobs that begin together are served in half the time
_STARTS_AT_ONCE = 2  # eight at once took five times as long each
_ALONE_AT_ONCE = 4  # jobs that are repeated, each in a container to itself
_PATIENCE_SECONDS = 30.0  # for an engine that is being restarted in the middle of a search
_PING_SECONDS = 30.0
_UIDS = range(10_000, 60_000)  # below 65,536, which is all that a rootless engine has


class DockerSandbox:
    """Satisfies `base.Sandbox`. Use it inside one event loop.

    Args:
        run: the search's id, a label of all its containers; one is made up when it is "".
        spares: containers kept started and unused, which hide a start of 0.3 s.
        cpus: None is two, or one where the engine has no more.
        at_once: evaluations of a design that the search runs at the same time, as far as it knows.
        jobs, nested, memory_mib, pids, scratch_mib, runtime: see `container.Settings`.
    """

    name = "docker"

    def __init__(
        self,
        *,
        run: str = "",
        spares: int = 1,
        at_once: int = 16,
        jobs: int = 160,
        nested: int = 16,
        memory_mib: int = 1024,
        cpus: float | None = None,
        pids: int = 512,
        scratch_mib: int = 2,
        runtime: str | None = None,
        lease_seconds: float = 300.0,
    ) -> None:
        # One run may have several sandboxes, and each removes its own containers only.
        self._run = f"{run or 'run'}-{uuid.uuid4().hex[:8]}"
        self._spare_count = spares
        self._options: dict[str, Any] = {
            "jobs": jobs,
            "held": min(at_once, jobs),
            "nested": nested,
            "memory_mib": memory_mib,
            "cpus": cpus,
            "pids": pids,
            "scratch_mib": scratch_mib,
            "runtime": runtime,
            "lease_seconds": lease_seconds,
        }
        self._engine: Engine | None = None
        self._settings: Settings | None = None
        self._spares: deque[Container] = deque()
        self._containers: set[Container] = set()
        self._starting: set[asyncio.Task[Container]] = set()
        self._pinging: asyncio.Task[None] | None = None
        self._closed = False
        self._silent_since: float | None = None
        self._starts = asyncio.Semaphore(_STARTS_AT_ONCE)
        self._opening = asyncio.Lock()
        self._started = itertools.count(os.getpid() * 16)
        self.alone = asyncio.Semaphore(_ALONE_AT_ONCE)

    @classmethod
    async def available(cls) -> str:
        """Return "" when designs can be run here, else one line that says what to do."""
        try:
            return await asyncio.to_thread(_availability)
        except SandboxUnavailable as error:
            return str(error)

    @classmethod
    async def sweep(cls) -> int:
        """Remove the containers of dead processes of this machine; return how many there were.

        Raises:
            SandboxUnavailable: no engine answers.
        """
        return await asyncio.to_thread(_sweep)

    async def open(self, source: str) -> Worker:
        """Return a worker for this design, with a container of its own; see `Sandbox`."""
        return _DockerWorker(self, source, await self.take())

    async def describe(self) -> dict[str, Json]:
        """Return what the engine is, what was asked of it, and what a jailed process has seen."""
        engine, settings = await self._connected()
        try:
            version = await engine.call(engine.client.version)
            about = await engine.call(engine.client.info)
        except (DockerException, OSError) as error:
            raise SandboxUnavailable(reason(error)) from error
        container = await self.take()
        self._spares.append(container)  # it has run nothing
        return {
            "name": self.name,
            "engine": version.get("Version", ""),
            "api": version.get("ApiVersion", ""),
            "kernel": version.get("KernelVersion", ""),
            "architecture": version.get("Arch", ""),
            "cgroup": about.get("CgroupVersion", "1"),
            "security": about.get("SecurityOptions", []),
            "runtime": settings.runtime or about.get("DefaultRuntime", ""),
            "image": image.current_tag(),
            "python": container.seen["job"]["python"],
            "attacks": container.seen["job"]["attacks"],
            "limits": {key: value for key, value in self._options.items() if key != "runtime"},
        }

    async def close(self) -> None:
        """Close every worker and remove every container; see `Sandbox`."""
        self._closed = True
        if self._pinging is not None:
            self._pinging.cancel()
        # Waited for, not cancelled: a thread that is starting a container cannot be.
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in list(self._containers)))
        self._spares.clear()
        engine, self._engine = self._engine, None
        if engine is not None:
            with suppress(DockerException, OSError):  # the engine is gone, and they with it
                await engine.call(owners.remove_of_run, engine.client, self._run)
                # A neighbour killed since our start may have left one that never ran.
                await engine.call(owners.remove_of_dead, engine.client)
            engine.threads.shutdown(wait=True)
            engine.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # containers, for the workers

    async def take(self, patience: float = 0.0) -> Container:
        """Return a container that no design has seen; it is the caller's to discard.

        Args:
            patience: seconds to wait for an engine that does not answer.

        Raises:
            SandboxUnavailable: none can be started.
        """
        await self._connected()
        while self._spares:
            spare = self._spares.popleft()
            if not spare.lost:
                self._refill()
                return spare
            await self.discard(spare)
        starting = self._begin(patience)
        try:
            container = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(self._add_spare)  # it starts all the same
            raise
        self._refill()
        return container

    async def discard(self, container: Container) -> None:
        """Remove a container."""
        await container.close()
        self._containers.discard(container)

    async def _connected(self) -> tuple[Engine, Settings]:
        async with self._opening:
            if self._closed:
                raise SandboxUnavailable("this sandbox was closed")
            if self._engine is None or self._settings is None:
                client, found, processors = await asyncio.to_thread(_opened)
                self._engine = Engine(client)
                if self._options["cpus"] is None:
                    self._options["cpus"] = float(min(_CPUS, processors))
                self._settings = Settings(found, owners.labels(self._run), **self._options)
                self._pinging = asyncio.create_task(self._ping())
            return self._engine, self._settings

    async def _start(self, patience: float) -> Container:
        engine, settings = await self._connected()
        async with self._starts:
            while True:
                try:
                    base = self._uid_base(settings.slots)
                    container = await Container.start(engine, settings, base)
                    self._silent_since = None
                    break
                except SandboxUnavailable:
                    if self._closed or not self._is_patient(patience):
                        raise
                    await asyncio.sleep(1.0)
        self._containers.add(container)
        return container

    def _is_patient(self, patience: float) -> bool:
        """Tell whether to try again: one silence of the engine is waited for once, by all."""
        if patience <= 0:
            return False
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        return now < self._silent_since + patience

    def _uid_base(self, slots: int) -> int:
        """Different for every living container: the kernel's quotas of a uid know no container."""
        stride = slots + 1  # one more: the uid below the first slot's is the reaper's
        return _UIDS[next(self._started) * stride % (len(_UIDS) - stride)] + 1

    def _begin(self, patience: float) -> asyncio.Task[Container]:
        task = asyncio.create_task(self._start(patience))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return task

    def _refill(self) -> None:
        for _ in range(self._spare_count - len(self._spares) - len(self._starting)):
            self._begin(0.0).add_done_callback(self._add_spare)

    def _add_spare(self, task: asyncio.Task[Container]) -> None:
        # Whoever needs a container next starts one itself and is told why it cannot be had.
        if not task.cancelled() and task.exception() is None:
            self._spares.append(task.result())

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            for container in self._containers:
                container.ping()


class _DockerWorker:
    """Satisfies `base.Worker`."""

    def __init__(self, sandbox: DockerSandbox, source: str, container: Container) -> None:
        self._sandbox, self._source = sandbox, source
        self._container: Container | None = container
        self._own = {container}  # the one above, and those of jobs that are repeated
        self._replacing = asyncio.Lock()
        self._closed = False

    async def run(self, job: Job, answer_call: AnswerCall) -> JobResult:
        """Run the design once; see `Worker`.

        A member is never repeated by itself: its society has gone on. The kernel may have ended it
        for the memory of others, and where the container is lost, so is the episode.
        """
        if job.entry == MEMBER:
            attempt = await (await self._shared()).run(self._source, job, answer_call)
            killed = attempt.result.outcome is Outcome.OUT_OF_MEMORY
            return attempt.result if killed or not attempt.doubt else _not_scored(attempt)
        answers = _Remembered(answer_call)
        container = await self._shared()
        attempt = await container.run(self._source, job, answers)
        return await self._again(attempt, job, answers) if attempt.doubt else attempt.result

    async def close(self) -> None:
        """Remove the container; see `Worker`."""
        self._closed = True
        self._container = None
        await asyncio.gather(*(self._discard(container) for container in list(self._own)))

    async def _shared(self) -> Container:
        """Return the design's container, a new one if it is lost."""
        async with self._replacing:
            if self._container is not None and self._container.lost:
                await self._discard(self._container)
                self._container = None
            if self._container is None:
                self._container = await self._take()
            return self._container

    async def _again(self, attempt: Attempt, job: Job, answers: _Remembered) -> JobResult:
        """Repeat a job whose end may be another's doing, alone in a container, at most twice.

        What ends a container that holds nothing else, twice, is the job itself.
        """
        async with self._sandbox.alone:
            for _ in range(2):
                if self._closed:
                    return _not_scored(attempt)
                container = await self._take()
                answers.rewind()
                try:
                    attempt = await container.run(self._source, job, answers)
                finally:
                    await self._discard(container)
                if not attempt.doubt:
                    return attempt.result
        # The engine still starts containers, so it was not the engine.
        await self._sandbox.discard(await self._sandbox.take())
        error = f"it ended its container, twice, alone: {attempt.doubt}"
        return replace(attempt.result, outcome=Outcome.CRASHED, error=error)

    async def _take(self) -> Container:
        if not self._closed:
            container = await self._sandbox.take(_PATIENCE_SECONDS)
            self._own.add(container)
            if not self._closed:
                return container
            await self._discard(container)
        raise SandboxUnavailable("this worker was closed")

    async def _discard(self, container: Container) -> None:
        self._own.discard(container)
        await self._sandbox.discard(container)


def _not_scored(attempt: Attempt) -> JobResult:
    return replace(attempt.result, outcome=Outcome.INFRASTRUCTURE, error=attempt.doubt)


class _Remembered:
    """Answers what a job has asked before from memory, so that repeating it costs nothing."""

    def __init__(self, answer_call: AnswerCall) -> None:
        self._answer_call = answer_call
        self._known: dict[str, list[dict[str, Json]]] = {}
        self._asked: Counter[str] = Counter()

    def rewind(self) -> None:
        """The job begins again."""
        self._asked.clear()

    async def __call__(self, body: dict[str, Json]) -> dict[str, Json]:
        # The second time replies come sooner, so more of them may have been heard before a call.
        key = json.dumps({**body, "heard": None}, sort_keys=True)
        occurrence = self._asked[key]
        self._asked[key] += 1
        known = self._known.setdefault(key, [])
        if occurrence < len(known):
            return known[occurrence]
        reply = await self._answer_call(body)
        known.append(reply)
        return reply


def _availability() -> str:
    client = connect()
    try:
        return image.missing(client)
    finally:
        client.close()


def _opened() -> tuple[docker.DockerClient, str, int]:
    """Return a client, the id of the current image and the engine's number of processors.

    What dead owners left is swept up first.
    """
    client = connect()
    try:
        if why := image.missing(client):
            raise SandboxUnavailable(why)
        owners.remove_of_dead(client)
        processors = int(client.info().get("NCPU") or 1)
        return client, str(client.images.get(image.current_tag()).id), processors
    except BaseException:  # whatever it was, the client is closed; re-raised
        client.close()
        raise


def _sweep() -> int:
    client = connect()
    try:
        return owners.remove_of_dead(client)
    finally:
        client.close()
