"""A scripted model endpoint on loopback: real HTTP, the OpenAI chat-completions protocol.

For tests of everything that talks to a model. A script is a function from the request's JSON to a
text, a `ScriptedReply` or a `Fault`; the default answers any schema with its smallest valid value.

    with ScriptedEndpoint(lambda request: "42", latency=0.2) as endpoint:
        client = AsyncOpenAI(base_url=endpoint.base_url, api_key="any")

It runs in a thread of its own. `EndpointProcess` runs the same server in another process, for
measurements in which its processor time must not count.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

__all__ = [
    "EndpointProcess",
    "Fault",
    "Reaction",
    "Script",
    "ScriptedEndpoint",
    "ScriptedReply",
    "Served",
    "minimal",
    "stormy",
]

REQUESTS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """One answer, with everything that an endpoint may vary.

    Attributes:
        text: the message's content; None sends `null`, as after a refusal.
        finish: `finish_reason` as sent.
        usage: (prompt, cached, completion) tokens; "estimated" takes four characters as a token,
            None sends no usage.
        latency: seconds, in place of the endpoint's.
    """

    text: str | None
    finish: str = "stop"
    usage: tuple[int, int, int] | Literal["estimated"] | None = "estimated"
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail.

    Attributes:
        kind: "status" (an error in the protocol's own shape), "html" (a page where JSON belongs),
            "reset" (connection dropped in mid-body), "truncated" (JSON that ends half way though
            the length is right), "empty_choices", "hang" (nothing until the client gives up).
        status: for "status" and "html".
        retry_after: value of the header of that name, None sends none.
        message, code, param: of the error object.
    """

    kind: Literal["status", "html", "reset", "truncated", "empty_choices", "hang"] = "status"
    status: int = 500
    retry_after: str | None = None
    message: str = "scripted fault"
    code: str | None = None
    param: str | None = None

    @property
    def name(self) -> str:
        """Return the key under which `Served.faults` counts it."""
        return str(self.status) if self.kind == "status" else self.kind


Reaction: TypeAlias = "str | ScriptedReply | Fault"
Script: TypeAlias = Callable[[dict[str, Any]], Reaction]


@dataclass
class Served:
    """What the endpoint has seen and done so far.

    Attributes:
        requests: chat completions asked for, faults included.
        replies: answered completely with status 200.
        faults: how often each kind of fault was served.
        peak: most requests in flight at one time.
    """

    requests: int = 0
    replies: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    peak: int = 0


def minimal(schema: Mapping[str, Any]) -> Any:
    """Return the smallest value that satisfies a JSON schema of the kit's kind."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: minimal(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 0
        case "boolean":
            return False
    return "ok"


def default_script(request: dict[str, Any]) -> Reaction:
    """Answer a schema with its smallest value, anything else with "ok"."""
    asked = request.get("response_format")
    if isinstance(asked, dict) and asked.get("type") == "json_schema":
        return json.dumps(minimal(asked["json_schema"]["schema"]))
    return "ok"


def stormy(script: Script, rates: Mapping[Fault, float], *, seed: int = 0) -> Script:
    """Return a script that serves each fault with its probability and else asks `script`.

    Args:
        script: answers what no fault has taken.
        rates: probabilities in [0, 1] whose sum is at most 1.
        seed: of the draws.
    """
    rng = random.Random(seed)
    faults = list(rates.items())

    def react(request: dict[str, Any]) -> Reaction:
        draw = rng.random()
        for fault, rate in faults:
            if draw < rate:
                return fault
            draw -= rate
        return script(request)

    return react


class ScriptedEndpoint:
    """The server in a thread of its own; use it as a context manager.

    Attributes:
        base_url: what an OpenAI client takes, with `/v1`.
        served: counters, readable at any time.
        requests: the last bodies received, oldest first.

    Args:
        script: chooses each reaction; runs in the server's thread.
        latency: seconds before each answer.
        key: refuses any other bearer token with 401; None takes all.
        models: names that exist, others get 404; () takes all.
        capacity: most requests worked on at one time, more get 429; None has no limit.
        retry_after: header sent with the 429 of `capacity`.
    """

    def __init__(
        self,
        script: Script = default_script,
        *,
        latency: float = 0.0,
        key: str | None = None,
        models: tuple[str, ...] = (),
        capacity: int | None = None,
        retry_after: str | None = None,
        port: int = 0,
    ) -> None:
        self.script = script
        self.latency = latency
        self.key = key
        self.models = models
        self.capacity = capacity
        self.retry_after = retry_after
        self.served = Served()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.in_flight = 0
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="scripted-endpoint", daemon=True)
        self._ready = threading.Event()
        self._connections: set[_Connection] = set()

    @property
    def base_url(self) -> str:
        """Return the URL for an OpenAI client."""
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> Self:
        """Start serving; returns once the port answers."""
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: _Connection(self), "127.0.0.1", self._port, backlog=4096
            )
        )
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for connection in list(self._connections):
                connection.abort()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    def react(self, body: bytes, headers: bytes) -> tuple[Reaction, dict[str, Any]]:
        """Decide on one request: the endpoint's own rules first, then the script."""
        try:
            request = json.loads(body)
        except ValueError:
            return Fault(status=400, message="the body is not JSON"), {}
        self.requests.append(request)
        if self.key is not None and not _bears(headers, self.key):
            return Fault(status=401, message="Incorrect API key provided", code="bad_key"), request
        if self.models and request.get("model") not in self.models:
            message = f"The model `{request.get('model')}` does not exist"
            return Fault(status=404, message=message, code="model_not_found"), request
        if self.capacity is not None and self.in_flight > self.capacity:
            return Fault(status=429, retry_after=self.retry_after, message="slow down"), request
        return self.script(request), request


def _bears(headers: bytes, key: str) -> bool:
    found = re.search(rb"(?im)^authorization: bearer (.*?)\r?$", headers)
    return found is not None and found[1].decode() == key


_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with keep-alive, requests answered in order."""

    def __init__(self, endpoint: ScriptedEndpoint) -> None:
        self._endpoint = endpoint
        self._buffer = b""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._endpoint._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._endpoint._connections.discard(self)
        if self._waiting is not None:  # the client gave up on an answer that was under way
            self._waiting.cancel()
            self._waiting = None
            self._endpoint.in_flight -= 1

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._waiting is None:
            self._next()

    def _next(self) -> None:
        """Take one whole request from the buffer, if there is one."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(self._buffer) < end + 4 + size:
            return
        body = self._buffer[end + 4 : end + 4 + size]
        self._buffer = self._buffer[end + 4 + size :]
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].decode("latin-1")
        if method == b"POST" and path.endswith("/chat/completions"):
            self._complete(head, body)
        elif method == b"GET" and path.endswith("/models"):
            names = self._endpoint.models or ("scripted",)
            listed = [{"id": name, "object": "model"} for name in names]
            refused = self._endpoint.key is not None and not _bears(head, self._endpoint.key)
            fault = Fault(status=401, message="Incorrect API key provided")
            self._write(_error(fault) if refused else _ok({"object": "list", "data": listed}))
        elif path == "/served":
            self._write(_ok(asdict(self._endpoint.served)))
        else:
            self._write(_page(404))

    def _complete(self, head: bytes, body: bytes) -> None:
        endpoint, served = self._endpoint, self._endpoint.served
        endpoint.in_flight += 1
        served.requests += 1
        served.peak = max(served.peak, endpoint.in_flight)
        reaction, request = endpoint.react(body, head)
        if isinstance(reaction, str):
            reaction = ScriptedReply(reaction)
        latency = endpoint.latency
        if isinstance(reaction, ScriptedReply) and reaction.latency is not None:
            latency = reaction.latency
        if isinstance(reaction, Fault) and reaction.kind == "hang":
            latency = 3600.0
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(latency, self._finish, reaction, request)

    def _finish(self, reaction: ScriptedReply | Fault, request: dict[str, Any]) -> None:
        self._waiting = None
        self._endpoint.in_flight -= 1
        served = self._endpoint.served
        if isinstance(reaction, ScriptedReply):
            content = _completion(reaction, request)
            usage = content.get("usage", {})
            served.replies += 1
            served.prompt_tokens += usage.get("prompt_tokens", 0)
            served.completion_tokens += usage.get("completion_tokens", 0)
            self._write(_ok(content))
            return
        served.faults[reaction.name] = served.faults.get(reaction.name, 0) + 1
        self._fail(reaction, request)

    def _fail(self, fault: Fault, request: dict[str, Any]) -> None:
        match fault.kind:
            case "status":
                self._write(_error(fault))
            case "html":
                self._write(_page(fault.status if fault.status != 500 else 200))
            case "empty_choices":
                self._write(_ok({**_completion(ScriptedReply(""), request), "choices": []}))
            case "truncated":
                whole = json.dumps(_completion(ScriptedReply("cut " * 50), request)).encode()
                self._write(_http(200, whole[: len(whole) // 2]))
            case "reset":
                whole = _ok(_completion(ScriptedReply("lost " * 50), request))
                self._transport.write(whole[: len(whole) // 2])
                self._transport.close()
            case "hang":
                self._transport.close()

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        if self._buffer:
            self._next()


def _completion(reply: ScriptedReply, request: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    body: dict[str, Any] = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
    }
    if reply.usage == "estimated":
        asked = "".join(str(part.get("content", "")) for part in request.get("messages", ()))
        prompt, cached, completion = len(asked) // 4 + 1, 0, len(reply.text or "") // 4 + 1
    elif reply.usage is None:
        return body
    else:
        prompt, cached, completion = reply.usage
    body["usage"] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return body


def _error(fault: Fault) -> bytes:
    error = {"message": fault.message, "type": "scripted", "param": fault.param, "code": fault.code}
    extra = f"Retry-After: {fault.retry_after}\r\n" if fault.retry_after is not None else ""
    return _http(fault.status, json.dumps({"error": error}).encode(), extra=extra)


def _ok(content: dict[str, Any]) -> bytes:
    return _http(200, json.dumps(content).encode())


def _page(status: int) -> bytes:
    body = b"<!doctype html><html><body><h1>Not an API</h1></body></html>"
    return _http(status, body, kind="text/html")


def _http(status: int, body: bytes, *, kind: str = "application/json", extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} Scripted\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode("latin-1") + body


class EndpointProcess:
    """The same server in another process, so that its work does not count as the caller's.

    Args:
        script: "module:name" of a script to import there, or "" for the default one.
        latency: seconds before each answer.
    """

    def __init__(self, script: str = "", *, latency: float = 0.0, port: int = 0) -> None:
        self._arguments = [script, str(latency), str(port)]
        self.base_url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "metasearch.testing.endpoint", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        return self

    @property
    def served(self) -> Served:
        """Ask the process for its counters."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/served") as answer:
            return Served(**json.load(answer))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)


def _serve(script: str = "", latency: str = "0", port: str = "0") -> None:
    """Entry of the process: serve until standard input closes, so it never outlives its owner."""
    chosen: Script = default_script
    if script:
        module, _, name = script.partition(":")
        chosen = getattr(import_module(module), name)
    with ScriptedEndpoint(chosen, latency=float(latency), port=int(port)) as endpoint:
        sys.stdout.write(endpoint.base_url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    # By way of an import: a script's replies are of that module's classes, not of this program's.
    import_module("metasearch.testing.endpoint")._serve(*sys.argv[1:])
