"""What a sandbox promises to the members of a society; parts of the two contracts.

`MemberContract` is what a well-meaning member relies on; `MemberIsolationContract` is what those
meet that would share what the rules do not let them say.
"""

# ruff: noqa: D102 - a test's name is its docstring

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from metasearch.sandbox.base import MEMBER, SEATS, Job, JobResult, Sandbox, Worker
from metasearch.testing.scripted import QUICK, ScriptedModel, dedented, run
from metasearch.types import Json, Outcome

__all__ = ["MemberContract", "MemberIsolationContract", "ScriptedHost", "seat"]

ECHO = """
    from agentkit import Player
    class Member(Player):
        def act(self, request):
            return request.kind
"""


class ScriptedHost:
    """An `AnswerCall` for one seat: asks it one request after the other and notes what it said.

    Args:
        requests: a request, or pairs (events, request); a text is a request of that kind.
        model: answers the seat's own questions.
    """

    def __init__(self, *requests: Json, model: ScriptedModel | None = None) -> None:
        self._requests = requests
        self._model = model or ScriptedModel()
        self.said: list[dict[str, Json]] = []

    @property
    def actions(self) -> list[Json]:
        """What the seat has decided, None where it failed."""
        return [one.get("action") for one in self.said[1:]]

    async def __call__(self, body: dict[str, Json]) -> dict[str, Json]:
        """Serve one call."""
        if body.get("op") != "turn":
            return await self._model(body)
        turn = len(self.said)
        self.said.append({key: value for key, value in body.items() if key != "op"})
        if turn >= len(self._requests):
            return {"request": None}
        asked = self._requests[turn]
        events, request = asked if isinstance(asked, tuple) else ([], asked)
        request = {"kind": request} if isinstance(request, str) else request
        return {"events": list(events), "request": request}


async def seat(worker: Worker, host: Any, *, seed: int = 0, **limits: Any) -> JobResult:
    """Run one seat of an opened design; `limits` change those of `QUICK`."""
    return await worker.run(Job({}, seed, replace(QUICK, **limits), MEMBER), host)


async def _one(sandbox: Sandbox, source: str, host: Any, **limits: Any) -> JobResult:
    worker = await sandbox.open(dedented(source))
    try:
        return await seat(worker, host, **limits)
    finally:
        await worker.close()


class MemberContract:
    """What the members of a society may rely on."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest.mark.parametrize("word", ["def", "async def"])
    async def test_a_member_observes_and_acts(self, sandbox: Sandbox, word: str) -> None:
        source = f"""
            from agentkit import Player
            class Member(Player):
                {word} observe(self, event):
                    self.events.append(event.kind)
                {word} act(self, request):
                    self.notes["turns"] = self.notes.get("turns", 0) + 1
                    return [self.notes["turns"], self.events, request.stock, request["reply"]]
        """
        request = {"kind": "take", "stock": 7, "reply": {"type": "int"}}
        told: list[Json] = [{"kind": "rules", "you": "Ann"}, {"kind": "rain"}]
        host = ScriptedHost((told, request), request, (told[1:], request))
        result = await _one(sandbox, source, host)
        assert (result.outcome, result.answer) == (Outcome.ANSWERED, None), result.error
        kinds = ["rules", "rain", "rain"]
        assert host.said[0] == {}
        assert host.actions == [
            [turn, kinds[:seen], 7, {"type": "int"}] for turn, seen in ((1, 2), (2, 2), (3, 3))
        ]

    async def test_what_goes_wrong_costs_one_action(self, sandbox: Sandbox) -> None:
        source = """
            import asyncio, sys
            from agentkit import Player
            class Member(Player):
                def observe(self, event):
                    super().observe(event)
                    if event.kind == "shock":
                        return 1 // 0
                async def act(self, request):
                    if request.kind == "raise":
                        return helper()
                    if request.kind == "leave":
                        sys.exit(3)
                    if request.kind == "deep":
                        value = []
                        for _ in range(100):
                            value = [value]
                        return value
                    answers = {"set": {1}, "nan": float("nan"), "large": "x" * 2000}
                    return answers.get(request.kind, [len(self.events), self.name])
            def helper():
                return {}["nothing"]
        """
        rules = {"kind": "rules", "you": "Ann"}
        kinds: list[Json] = ["raise", "leave", "set", "nan", "large", "deep"]
        shock = ([{"kind": "shock"}, rules], "after")
        host = ScriptedHost(*kinds, shock, "after")
        result = await _one(sandbox, source, host, answer_bytes=1000)
        assert result.outcome is Outcome.ANSWERED, result.error
        errors = [one.get("kind") for one in host.said[1:]]
        crashed, format_ = ["crashed"], ["wrong_format"]
        assert errors == [*crashed * 2, *format_ * 4, "crashed", None]
        assert "in helper" in host.said[1]["error"]
        assert "ZeroDivisionError" in host.said[7]["error"]
        assert host.actions[-1] == [2, "Ann"]  # what came after the event met badly was observed

    async def test_a_member_asks_a_model_between_turns(self, sandbox: Sandbox) -> None:
        model = ScriptedModel("be kind", "be quick")
        source = """
            from agentkit import Agent, _link, gather, run_code
            from agentkit import Player
            class Member(Player):
                async def act(self, request):
                    if request.kind == "forge":
                        body = {"op": "turn", "action": 7, "agent": "x", "messages": []}
                        return (await _link.call("ask", body))["text"]
                    if request.kind == "run":
                        return (await run_code("6 * 7")).value
                    return (await Agent("me").ask(str(request))).text
        """
        host = ScriptedHost({"kind": "vote", "on": "tax"}, "forge", "run", model=model)
        result = await _one(sandbox, source, host)
        assert result.outcome is Outcome.ANSWERED, result.error
        assert host.actions == ["be kind", "be quick", 42]
        assert model.bodies[0]["messages"][-1]["content"] == "vote: on=tax"
        assert len(model.bodies) == 2
        assert not any("op" in body for body in model.bodies)

    async def test_only_members_take_turns(self, sandbox: Sandbox) -> None:
        model = ScriptedModel()
        source = """
            from agentkit import AgentError, _link
            async def solve(task):
                try:
                    return await _link.call("turn", {"action": 1})
                except AgentError as error:
                    return error.kind
        """
        assert (await run(sandbox, dedented(source), model)).answer == "bad_request"
        assert model.bodies == []

    async def test_a_module_without_a_member_is_told_so(self, sandbox: Sandbox) -> None:
        host = ScriptedHost("x")
        result = await _one(sandbox, "    def solve(task):\n        return 1", host)
        assert result.outcome is Outcome.CRASHED
        assert "Member" in result.error
        assert host.said == []

    async def test_waiting_for_a_turn_is_not_computing(self, sandbox: Sandbox) -> None:
        host = ScriptedHost("x", "y")

        async def slow(body: dict[str, Json]) -> dict[str, Json]:
            await asyncio.sleep(1.1)
            return await host(body)

        result = await _one(sandbox, ECHO, slow, active_seconds=3.0)
        assert (result.outcome, host.actions) == (Outcome.ANSWERED, ["x", "y"]), result.error
        assert result.seconds > 3.2
        assert result.active_seconds < 2.0

    async def test_the_seed_decides_a_members_chance(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Player
            class Member(Player):
                def __init__(self):
                    self.first = self.rng.random()
                def act(self, request):
                    return self.first
        """
        for number in (3, 4):
            host = ScriptedHost("x")
            await _one(sandbox, source, host, seed=number)
            assert host.actions == [random.Random(number).random()]

    async def test_all_seats_of_an_episode_are_there_together(self, sandbox: Sandbox) -> None:
        worker = await sandbox.open(dedented(ECHO))
        there, together = 0, asyncio.Event()
        hosts = [ScriptedHost(f"seat {number}") for number in range(SEATS)]

        def waiting(host: ScriptedHost) -> Any:
            async def serve(body: dict[str, Json]) -> dict[str, Json]:
                nonlocal there
                there += 1
                if there == SEATS:
                    together.set()
                await together.wait()
                return await host(body)

            return serve

        try:
            results = await asyncio.gather(*(seat(worker, waiting(host)) for host in hosts))
        finally:
            await worker.close()
        assert {result.outcome for result in results} == {Outcome.ANSWERED}
        assert [host.actions for host in hosts] == [[f"seat {one}"] for one in range(SEATS)]

    async def test_what_the_host_raises_in_a_turn_comes_out_unchanged(
        self, sandbox: Sandbox
    ) -> None:
        class OwnError(Exception):
            pass

        async def broken(body: dict[str, Json]) -> dict[str, Json]:
            raise OwnError(str(body.get("op")))

        with pytest.raises(OwnError, match="turn"):
            await _one(sandbox, ECHO, broken)


# Everything that a seat could leave for another, and everything that it could find. Both get the
# same source; a word is left on one seat's turn and looked for on another's.
_BOARDS = """
    import os, random, sys, threading
    from agentkit import Agent, Player, _link

    WORD = "w0rd-for-you"
    NANOSECOND = 1234567890123456789
    seen, stay = [], threading.Event()
    PLACES = [".", "..", "/tmp", "/dev/shm", "/dev/mqueue", "/jobs", "/run", "/var/tmp", "/box",
              os.path.expanduser("~")]

    def quiet(call):
        try:
            return call()
        except BaseException:
            return None

    def write(place):
        with open(os.path.join(place, WORD), "w") as file:
            file.write(WORD)

    def change(place):
        os.chmod(place, 0o705)
        if os.stat(place).st_mode & 0o777 != 0o705:
            raise OSError

    def named():
        import ctypes
        if ctypes.CDLL(None).prctl(15, WORD.encode(), 0, 0, 0):
            raise OSError

    def shared():
        from multiprocessing import shared_memory
        made = shared_memory.SharedMemory(WORD, create=True, size=64)
        made.buf[:len(WORD)] = WORD.encode()
        seen.append(made)

    def leave():
        seen.append(WORD)
        Player.notice = sys.word = random.word = os.environ["WORD"] = WORD
        Agent.__doc__ = WORD
        sys.modules[WORD] = sys
        sys.argv[:] = [WORD]
        done = []
        def leave_by(way, call):
            try:
                call()
                done.append(way)
            except BaseException:
                pass
        for place in PLACES:
            leave_by("file in " + place, lambda: write(place))
            leave_by("folder in " + place, lambda: os.mkdir(os.path.join(place, WORD + "-folder")))
            leave_by("link in " + place, lambda: os.symlink(WORD, os.path.join(place, WORD + "-l")))
            leave_by("pipe in " + place, lambda: os.mkfifo(os.path.join(place, WORD + "-pipe")))
            leave_by("time of " + place, lambda: os.utime(place, ns=(NANOSECOND, NANOSECOND)))
            leave_by("mode of " + place, lambda: change(place))
        for target in ("/proc/self/comm", "/dev/tty", "/dev/console", "/dev/kmsg", "/dev/pts/0"):
            leave_by(target, lambda: open(target, "w").write(WORD))
        leave_by("name", named)
        leave_by("shared memory", shared)
        leave_by("attribute", lambda: os.setxattr(".", "user.word", WORD.encode()))
        leave_by("priority", lambda: os.nice(1))
        for _ in range(5):
            leave_by("number of threads", threading.Thread(target=stay.wait, daemon=True).start)
        return done

    def read(path):
        with open(path, "rb") as file:
            return file.read(100_000).decode("latin-1")

    def find():
        found = []
        def look(where, text):
            if WORD in str(text):
                found.append(where)
        look("module", [seen, getattr(Player, "notice", ""), getattr(sys, "word", "")])
        look("library", [getattr(random, "word", ""), Agent.__doc__, sys.argv])
        look("modules", list(sys.modules))
        look("environment", dict(os.environ))
        for name in ["/jobs", *(f"/jobs/{number}" for number in range(200))]:
            facts = quiet(lambda: os.stat(name))
            if facts and (facts.st_mtime_ns == NANOSECOND or facts.st_mode & 0o777 == 0o705):
                found.append(name)
        for place in PLACES:
            for folder, folders, files in os.walk(place):
                look(folder, [folders, files])
                for file in files:
                    look(folder, quiet(lambda: read(os.path.join(folder, file))))
        for pid in quiet(lambda: os.listdir("/proc")) or []:
            if pid.isdigit() and pid != str(os.getpid()):
                for name in ("comm", "cmdline", "environ", "stat", "status", "maps"):
                    look(f"process {name}", quiet(lambda: read(f"/proc/{pid}/{name}")))
                look("cwd", quiet(lambda: os.listdir(f"/proc/{pid}/cwd")))
                for fd in quiet(lambda: os.listdir(f"/proc/{pid}/fd")) or []:
                    look("descriptor", quiet(lambda: read(f"/proc/{pid}/fd/{fd}")))
        for name in ("/proc/locks", "/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/net/unix"):
            look(name, quiet(lambda: read(name)))
        def attach():
            from multiprocessing import shared_memory
            look("shared memory", bytes(shared_memory.SharedMemory(WORD).buf).decode("latin-1"))
        quiet(attach)
        return sorted(set(found))

    class Member(Player):
        def act(self, request):
            if request.kind == "leave":
                return leave()
            if request.kind == "find":
                return find()
            return [self.rng.random(), random.random(), self.name, self.notes, len(self.events)]
"""


class MemberIsolationContract:
    """Seats of one episode run the same design at the same time and share nothing by it."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    async def test_nothing_that_a_seat_leaves_reaches_another(self, sandbox: Sandbox) -> None:
        hosts = await self._in_turns(sandbox, [("leave", 0), ("find", 1)])
        self.judge_left(hosts[0].actions[0])
        assert hosts[1].actions == [[]]

    def judge_left(self, ways: list[str]) -> None:
        """What a seat could change that others of its place might look at."""
        assert ways == []

    async def test_chance_is_a_seats_own(self, sandbox: Sandbox) -> None:
        hosts = await self._in_turns(sandbox, [("draw", 0), ("draw", 1)])
        (first,), (second,) = hosts[0].actions, hosts[1].actions
        assert first[0] != second[0]
        assert first[1] != second[1]
        assert first[2:] == second[2:] == ["", {}, 0]

    @pytest.mark.parametrize("way", ["_exit(0)", "abort()", "kill(os.getpid(), 9)"])
    async def test_a_seat_that_dies_leaves_the_others(self, sandbox: Sandbox, way: str) -> None:
        source = f"""
            import os
            from agentkit import Player
            class Member(Player):
                def act(self, request):
                    if request.kind == "die":
                        os.{way}
                        raise SystemExit
                    return request.kind
        """
        worker = await sandbox.open(dedented(source))
        hosts = [ScriptedHost("die"), ScriptedHost("live", "live on")]
        try:
            dead, alive = await asyncio.gather(*(seat(worker, host) for host in hosts))
        finally:
            await worker.close()
        assert dead.outcome in (Outcome.CRASHED, Outcome.ANSWERED)
        assert hosts[0].actions in ([], [None])
        assert (alive.outcome, hosts[1].actions) == (Outcome.ANSWERED, ["live", "live on"])

    async def test_a_seat_that_computes_for_ever_is_stopped(self, sandbox: Sandbox) -> None:
        source = """
            from agentkit import Player
            class Member(Player):
                def act(self, request):
                    while True:
                        pass
        """
        host = ScriptedHost("x")
        result = await _one(sandbox, source, host, active_seconds=0.5)
        assert (result.outcome, host.actions) == (Outcome.TIMED_OUT, [])

    async def _in_turns(
        self, sandbox: Sandbox, orders: Sequence[tuple[str, int]]
    ) -> list[ScriptedHost]:
        """Ask seats one after the other; none ends before the last has answered."""
        worker = await sandbox.open(dedented(_BOARDS))
        hosts = [ScriptedHost(kind) for kind, _ in orders]
        turns = [asyncio.Event() for _ in range(len(orders) + 1)]
        turns[0].set()

        def ordered(place: int) -> Any:
            async def serve(body: dict[str, Json]) -> dict[str, Json]:
                if hosts[place].said:
                    turns[place + 1].set()
                    await turns[-1].wait()
                else:
                    await turns[place].wait()
                return await hosts[place](body)

            return serve

        try:
            jobs = (seat(worker, ordered(i), seed=seed) for i, (_, seed) in enumerate(orders))
            results = await asyncio.gather(*jobs)
        finally:
            await worker.close()
        assert {result.outcome for result in results} == {Outcome.ANSWERED}, results
        return hosts
