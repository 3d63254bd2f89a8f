"""One hardened container: started, checked, and used for the jobs of one design only."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import docker
import requests.exceptions
from docker.errors import APIError, DockerException, NotFound
from docker.types import LogConfig, Ulimit

from metasearch.assets import asset
from metasearch.errors import SandboxUnavailable
from metasearch.sandbox import box_wire
from metasearch.sandbox.attach import Attached, attached
from metasearch.sandbox.base import RUN_CODE, AnswerCall, Job, JobResult, Limits
from metasearch.sandbox.box_check import Asked, check
from metasearch.sandbox.conversation import LinkClosed, converse, no_model
from metasearch.sandbox.engine import reason
from metasearch.sandbox.job_link import Ending, JobLink
from metasearch.types import Outcome

__all__ = ["Attempt", "Container", "Engine", "Settings"]

_READY_SECONDS = 60.0
_LEAVING_SECONDS = 0.1  # a job that has answered ends by itself, and needs no order to
_OBEY_SECONDS = 2.0  # PID 1 ends a job within this, or is asked whether it still lives
_PONG_SECONDS = 5.0  # it answers within this, on a busy machine too, or it does not run any more
_DYING_SECONDS = 30.0  # a killed process needs processor time to die, and may get little
_REMOVED_SECONDS = 10
# Jobs that come together begin one after the other: the first asks its model while the next ones
# start. One that has nothing to say for a while does not hold up the others.
_BEGINNERS = 12
_BEGINNER_SECONDS = 0.1
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What every container of one sandbox is started with.

    Attributes:
        image: the engine's id of the image, so that a tag moved meanwhile changes nothing.
        labels: who owns it; see `owners`.
        jobs: how many run at once; more wait.
        held: processes for them that are made ahead, while the first job waits for its model.
        nested: how many pieces of code (`run_code`) run at once beside them.
        memory_mib: for all jobs together.
        cpus: processors for all jobs together.
        pids: processes and threads of all jobs together.
        scratch_mib: each job's own folder, in memory.
        runtime: an OCI runtime that the engine knows ("runsc", "kata-runtime"), None for its own.
        lease_seconds: PID 1 ends when it has heard nothing from the host for so long.
    """

    image: str
    labels: dict[str, str]
    jobs: int = 160
    held: int = 0
    nested: int = 16
    memory_mib: int = 1024
    cpus: float = 1.0
    pids: int = 512
    scratch_mib: int = 2
    runtime: str | None = None
    lease_seconds: float = 300.0

    @property
    def slots(self) -> int:
        """Places for jobs inside one container."""
        return self.jobs + self.nested

    def asked(self, uid_base: int) -> Asked:
        """Return what READY has to confirm."""
        memory = self.memory_mib * _MIB
        other = self.runtime is not None
        return Asked(memory, self.pids, self.cpus, uid_base, self.slots, unreadable=other)


@dataclass(frozen=True, slots=True)
class Engine:
    """A client of the engine and the threads that wait for its answers."""

    client: docker.DockerClient
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="metasearch-docker")
    )

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one blocking call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *args)


class Attempt(NamedTuple):
    """What came of one run in one container.

    Attributes:
        doubt: why the result may be the doing of something else than this job ("" when settled).
    """

    result: JobResult
    doubt: str


class Container:
    """A running container; made by `start`.

    Attributes:
        seen: READY, as PID 1 sent it.
        lost: why it is gone, "" while it is there.
    """

    def __init__(self, engine: Engine, name: str, pipe: Attached, settings: Settings) -> None:
        self.seen: dict[str, Any] = {}
        self.lost = ""
        self._engine, self._name, self._pipe, self._settings = engine, name, pipe, settings
        self._links: dict[int, JobLink] = {}
        self._numbers = itertools.count(1)
        self._room = asyncio.Semaphore(settings.jobs)
        self._nested_room = asyncio.Semaphore(settings.nested)
        self._running = self._begun = 0  # jobs, the nested ones not counted
        self._beginners = asyncio.Semaphore(_BEGINNERS)
        self._silent: dict[int, asyncio.TimerHandle] = {}  # beginners by job, until when at most
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._heard = time.monotonic()
        self._unwrapper = box_wire.Unwrapper()
        self._listening = asyncio.create_task(self._listen())
        self._endings: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, engine: Engine, settings: Settings, uid_base: int) -> Container:
        """Start a container and check that every limit asked for is in force.

        Args:
            uid_base: the first slot's uid inside; no other living container should have it.

        Raises:
            SandboxUnavailable: it cannot be started, or a limit is not in force.
        """
        try:
            name, raw = await engine.call(_create, engine.client.api, settings, uid_base)
            self = cls(engine, name, await attached(raw), settings)
            try:
                await self._get_ready(uid_base)
            except BaseException:  # also when cancelled: no container may stay behind
                await self.close()
                raise
        except (DockerException, OSError) as error:
            raise SandboxUnavailable(f"no container can be started: {reason(error)}") from error
        return self

    async def _get_ready(self, uid_base: int) -> None:
        await self._engine.call(self._engine.client.api.start, self._name)
        try:
            self.seen = await asyncio.wait_for(asyncio.shield(self._ready), _READY_SECONDS)
        except TimeoutError:
            raise SandboxUnavailable(
                f"a container did not get ready within {_READY_SECONDS:g} s; is the machine busy?"
            ) from None
        check(self.seen, self._settings.asked(uid_base))

    async def run(self, source: str, job: Job, answer_call: AnswerCall) -> Attempt:
        """Run a job of this container's one design."""
        await self._room.acquire()
        try:
            await self._beginners.acquire()
        except asyncio.CancelledError:
            self._room.release()
            raise
        self._running += 1
        self._begun += 1
        try:
            return await self._run(source, job, answer_call, self._room)
        finally:
            self._running -= 1

    def ping(self) -> None:
        """Renew the lease."""
        self._pipe.write(box_wire.frame(box_wire.PING))

    async def kill(self, why: str) -> None:
        """End everything in it at once, PID 1's help not needed."""
        self._lose(why)
        with suppress(DockerException, OSError):
            await self._engine.call(self._engine.client.api.kill, self._name)

    async def close(self) -> None:
        """End it and return once the engine has removed it; safe to call twice."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._lose("the sandbox was closed")
        await self._pipe.close()
        self._listening.cancel()
        for task in [*self._endings, self._listening]:
            with suppress(asyncio.CancelledError):
                await task
        if not self._ready.done():
            self._ready.cancel()
        await self._engine.call(_remove, self._engine.client.api, self._name)

    # one job

    async def _run(
        self, source: str, job: Job, answer_call: AnswerCall, room: asyncio.Semaphore
    ) -> Attempt:
        link = self._open(job.limits)
        if room is self._room:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(_BEGINNER_SECONDS, self._has_begun, link.number)
            self._silent[link.number] = timer
        beside, begun = self._running > 1, self._begun
        try:
            result = await converse(link, source, job, answer_call, self._run_code)
        finally:
            self._has_begun(link.number)
            self._finish(link, room)
        if result.outcome is Outcome.INFRASTRUCTURE:
            return Attempt(result, result.error)
        ending = link.ending
        killed = result.outcome is Outcome.OUT_OF_MEMORY and ending and ending.out_of_memory
        if killed and (beside or self._begun > begun):
            return Attempt(result, "the kernel ended it beside other jobs")
        return Attempt(result, "")

    async def _run_code(self, code: str, limits: Limits) -> JobResult:
        await self._nested_room.acquire()
        job = Job({}, limits=limits, entry=RUN_CODE)
        result, doubt = await self._run(code, job, no_model, self._nested_room)
        if doubt:
            return JobResult(Outcome.INFRASTRUCTURE, error=doubt)
        return result

    def _open(self, limits: Limits) -> JobLink:
        number = next(self._numbers)
        cpu_cap = math.ceil(limits.active_seconds) + 1
        link = JobLink(number, self._pipe.write, self._pipe.drain, cpu_cap)
        if self.lost:
            link.close(LinkClosed(Outcome.INFRASTRUCTURE, self.lost))
            return link
        self._links[number] = link
        # PID 1 counts wall-clock time too, should this process be stopped; it comes after us.
        wall = limits.wall_seconds + _OBEY_SECONDS
        self._pipe.write(box_wire.start(number, wall, limits.memory_mib, cpu_cap))
        return link

    def _has_begun(self, number: int) -> None:
        """Let another job begin; does so once for each."""
        if (timer := self._silent.pop(number, None)) is not None:
            timer.cancel()
            self._beginners.release()

    def _finish(self, link: JobLink, room: asyncio.Semaphore) -> None:
        """End the job's process; its result is not kept waiting for that, its place is."""
        if link.gone.is_set():
            room.release()
            return
        task = asyncio.create_task(self._await_end(link, room))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _await_end(self, link: JobLink, room: asyncio.Semaphore) -> None:
        try:
            if await _within(_LEAVING_SECONDS, link.gone.wait()):
                return
            self._pipe.write(box_wire.frame(box_wire.KILL, link.number))
            if await _within(_OBEY_SECONDS, link.gone.wait()):
                return
            asked = time.monotonic()
            self.ping()
            if not await _within(_PONG_SECONDS, link.gone.wait()) and self._heard < asked:
                await self.kill("the container does not answer any more")
            elif not await _within(_DYING_SECONDS, link.gone.wait()):
                await self.kill("the container cannot end a job")
        finally:
            room.release()

    # the stream

    async def _listen(self) -> None:
        why = "the container ended"
        try:
            while data := await self._pipe.read():
                self._heard = time.monotonic()
                for number, frame in enumerate(self._unwrapper.feed(data)):
                    # One after the other, also where many came together: the first call is on its
                    # way to the model while the others are still looked at.
                    if number:
                        await asyncio.sleep(0)
                    self._take(frame)
        except box_wire.WireError as error:
            why = f"the container sent {error}"
        finally:  # whatever ended the reading, no job waits for more
            errors = self._unwrapper.errors.decode("utf-8", "replace")
            last = errors.strip().rpartition("\n")[2][:300]
            self._lose(f"{why} ({last})" if last else why)

    def _take(self, frame: box_wire.BoxFrame) -> None:
        if frame.kind == box_wire.READY:
            self._take_ready(frame.payload)
            return
        link = self._links.get(frame.job)
        if link is None:
            return
        if frame.kind == box_wire.FROM_JOB:
            self._has_begun(frame.job)
            link.feed(frame.payload)
        elif frame.kind == box_wire.TAKEN_BY_JOB:
            link.taken(box_wire.count_of(frame.payload))
        elif frame.kind == box_wire.END:
            link.end(Ending.parse(frame.payload))
            del self._links[frame.job]

    def _take_ready(self, payload: bytes) -> None:
        if self._ready.done():
            raise box_wire.WireError("a second READY")
        try:
            self._ready.set_result(json.loads(payload))
        except (ValueError, RecursionError) as error:
            raise box_wire.WireError("a READY that cannot be read") from error

    def _lose(self, why: str) -> None:
        if self.lost:
            return
        self.lost = why
        for link in self._links.values():
            link.close(LinkClosed(Outcome.INFRASTRUCTURE, why))
        self._links.clear()
        if not self._ready.done():
            self._ready.set_exception(SandboxUnavailable(f"a container did not get ready: {why}"))
            self._ready.exception()  # looked at, so that it is not reported as forgotten


async def _within(seconds: float, event: Coroutine[Any, Any, object]) -> bool:
    try:
        await asyncio.wait_for(event, seconds)
    except TimeoutError:
        return False
    return True


def _create(api: docker.APIClient, settings: Settings, uid_base: int) -> tuple[str, Any]:
    """Create a container and attach to it; it is started by the caller."""
    made = api.create_container(
        settings.image,
        [str(value) for value in (uid_base, settings.slots, settings.lease_seconds, settings.held)],
        hostname="sandbox",
        stdin_open=True,  # and closed once for all when we are gone, which ends PID 1
        labels=settings.labels,
        network_disabled=True,
        host_config=api.create_host_config(**_flags(settings, uid_base)),
    )
    name = made["Id"]
    try:
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        return name, api.attach_socket(name, streams)
    except BaseException:  # as above; re-raised
        _remove(api, name)
        raise


def _flags(settings: Settings, uid_base: int) -> dict[str, Any]:
    memory = settings.memory_mib * _MIB
    profile = json.loads((asset("sandbox") / "image" / "seccomp.json").read_text("utf-8"))
    tmpfs = {
        "/jobs": "rw,noexec,nosuid,nodev,size=64k,mode=755",
        # Over the terminals that an engine puts there: a machine has some thousands in all.
        "/dev/pts": "ro,noexec,nosuid,nodev,size=4k,nr_inodes=2,mode=000",
    }
    for slot in range(settings.slots):
        uid = uid_base + slot
        tmpfs[f"/jobs/{slot}"] = (
            f"rw,noexec,nosuid,nodev,size={settings.scratch_mib}m,nr_inodes=256,"
            f"mode=700,uid={uid},gid={uid}"
        )
    return {
        "auto_remove": True,
        "init": False,
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID"],
        "security_opt": ["no-new-privileges:true", f"seccomp={json.dumps(profile)}"],
        "pids_limit": settings.pids,
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(settings.cpus * 1e9),
        "cpu_shares": 256,  # where all want more than there is, the search comes first
        "oom_score_adj": 500,  # a machine out of memory loses containers before the search
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=4096, hard=4096),
        ],
        # With the engine's default a flood of prints fills its disk: 546 MB in 3 s were seen.
        "log_config": LogConfig(type="none"),
        "tmpfs": tmpfs,
        **({"runtime": settings.runtime} if settings.runtime else {}),
    }


def _remove(api: docker.APIClient, name: str) -> None:
    """Return once the engine has removed it, which it may be doing already."""
    try:
        api.remove_container(name, force=True)
    except NotFound:
        return
    except (APIError, requests.exceptions.RequestException):
        with suppress(APIError, requests.exceptions.RequestException):
            api.wait(name, timeout=_REMOVED_SECONDS, condition="removed")
