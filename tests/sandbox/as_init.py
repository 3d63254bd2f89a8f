"""Runs a script of ours as PID 1 of a container started like a design's, without a job's filter.

What a job's second filter forbids, forks above all, can be tried on PID 1's own code here.
"""

from __future__ import annotations

import json
import socket
import textwrap
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError

from metasearch.sandbox import box_wire, container, image, owners
from tests.sandbox.docker_stage import asked

UID_BASE = 61_001  # no sandbox gives out this one

BEGIN = f"""
import json, os, sys, time
sys.path.insert(0, "/box")
from runner.slots import Slots
UID = {UID_BASE}

def forked(run, uid=None):
    # A process that has its uid by now, as the fork server makes them, runs a function and ends.
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if uid is not None:
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            os.write(tell, b"1")
            run()
        finally:
            os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    return pid

def said(value):
    os.write(1, json.dumps(value).encode() + b"\\n")
    os._exit(0)

def of_uid(uid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{{name}}/status") as status:
                    text = status.read()
            except OSError:
                continue
            if int(text.split("Uid:")[1].split()[0]) == uid:
                found.append(text.split("State:")[1].split()[0])
    return found
"""


def as_init(script: str, *, slots: int = 4) -> Any:
    """Run the script as PID 1 and return the JSON that it said."""
    settings = container.Settings(
        image.current_tag(), owners.labels("test-init"), jobs=slots - 1, nested=1
    )
    return asked(lambda client: _run(client, settings, BEGIN + textwrap.dedent(script)))


def _run(client: docker.DockerClient, settings: container.Settings, script: str) -> Any:
    api = client.api
    made = api.create_container(
        settings.image,
        ["-c", script],
        entrypoint=["python3", "-P", "-s", "-S", "-B"],
        labels=settings.labels,
        network_disabled=True,
        host_config=api.create_host_config(**container._flags(settings, UID_BASE)),
    )
    try:
        pipe = api.attach_socket(made["Id"], {"stdout": 1, "stderr": 1, "stream": 1})
        try:
            api.start(made["Id"])
            out, errors = _read(pipe._sock)
        finally:
            pipe._response.close()
            pipe.close()
    finally:
        with suppress(APIError):  # the engine has removed it already
            api.remove_container(made["Id"], force=True)
    assert out, errors.decode()
    return json.loads(out)


def _read(connection: socket.socket) -> tuple[bytes, bytes]:
    connection.settimeout(60)
    data = b""
    while chunk := connection.recv(1 << 16):
        data += chunk
    streams = {1: b"", 2: b""}
    while data:
        stream, length = box_wire._WRAPPER.unpack_from(data)
        streams[stream] += data[box_wire._WRAPPER.size :][:length]
        data = data[box_wire._WRAPPER.size + length :]
    return streams[1], streams[2]
