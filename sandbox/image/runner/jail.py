"""What a job's process gives up before a line of the design runs.

Its uid, its capabilities, most system calls, and more than its share of resources.
Everything here is one-way: the process cannot take any of it back.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from dataclasses import dataclass

__all__ = ["ARCHITECTURES", "Caps", "close_all_but", "enter", "hide", "narrow", "prepare"]

_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_RET_KILL_PROCESS = 0x8000_0000
_RET_ERRNO = 0x0005_0000
_RET_ALLOW = 0x7FFF_0000
_EPERM, _ENOSYS = 1, 38

# Classic BPF: load a word, jump if equal, greater or equal, or any bit set, and return.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x4000_0000
_CLONE_THREAD = 0x0001_0000

_MIB = 1 << 20

# Landlock: the same numbers on all processors.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3


@dataclass(frozen=True)
class Architecture:
    """System call numbers of one kind of processor.

    Attributes:
        audit: the kernel's own name for it, as a filter sees it.
        refused: numbers of the calls that a job is never given.
        shared: what a member of a society is not given either: calls that others of its container
            can see something of.
    """

    audit: int
    clone: int
    clone3: int
    fcntl: int
    prctl: int
    madvise: int
    mmap: int
    openat: int
    refused: tuple[int, ...]
    shared: tuple[int, ...]


# No new process, no program, no signal, no other session; then, should the container's own filter
# be missing, the calls that matter most of those that it refuses: sockets, other processes' memory,
# namespaces, io_uring, ...
ARCHITECTURES = {
    "x86_64": Architecture(
        audit=0xC000_003E,
        clone=56,
        clone3=435,
        fcntl=72,
        prctl=157,
        madvise=28,
        mmap=9,
        openat=257,
        refused=(
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 200, 129, 297, 424, 434, 438),  # kill, tkill, *sigqueueinfo, pidfd_*
            *(109, 112),  # setpgid, setsid
            *(41, 42, 49, 50),  # socket, connect, bind, listen
            *(53, 44, 45, 46, 47, 48, 54, 55),  # socketpair, send*, recv*, shutdown, *sockopt
            73,  # flock: a lock of a file of the image is seen by the other jobs
            *(101, 310, 311, 440),  # ptrace, process_vm_readv, process_vm_writev, process_madvise
            *(165, 272, 308, 161),  # mount, unshare, setns, chroot
            *(425, 426, 427, 321, 323, 298),  # io_uring_*, bpf, userfaultfd, perf_event_open
            *(248, 249, 250, 319),  # add_key, request_key, keyctl, memfd_create
            *(444, 445),  # landlock_create_ruleset, landlock_add_rule
        ),
        shared=(
            *(56, 2),  # clone, open
            *(
                83,
                258,
                86,
                265,
                88,
                266,
                82,
                264,
                316,
            ),  # mkdir, link, symlink, rename, each with at
            *(84, 87, 263, 76, 77, 285),  # rmdir, unlink, unlinkat, truncate, ftruncate, fallocate
            *(90, 91, 268, 452, 132, 235, 280),  # chmod, fchmod*, utime, utimes, utimensat
            *(137, 138, 140, 141),  # statfs, fstatfs, getpriority, setpriority
        ),
    ),
    "aarch64": Architecture(
        audit=0xC000_00B7,
        clone=220,
        clone3=435,
        fcntl=25,
        prctl=167,
        madvise=233,
        mmap=222,
        openat=56,
        refused=(
            *(221, 281),  # execve, execveat; fork and vfork do not exist
            *(129, 130, 138, 240, 424, 434, 438),  # kill, tkill, *sigqueueinfo, pidfd_*
            *(154, 157),  # setpgid, setsid
            *(198, 203, 200, 201),  # socket, connect, bind, listen
            *(199, 206, 207, 211, 212, 210, 208, 209),  # socketpair, send*, recv*, shutdown, ...
            32,  # flock: a lock of a file of the image is seen by the other jobs
            *(117, 270, 271, 440),  # ptrace, process_vm_readv, process_vm_writev, process_madvise
            *(40, 97, 268, 51),  # mount, unshare, setns, chroot
            *(425, 426, 427, 280, 282, 241),  # io_uring_*, bpf, userfaultfd, perf_event_open
            *(217, 218, 219, 279),  # add_key, request_key, keyctl, memfd_create
            *(444, 445),  # landlock_create_ruleset, landlock_add_rule
        ),
        shared=(
            220,  # clone
            *(34, 37, 36, 38, 276),  # mkdirat, linkat, symlinkat, renameat, renameat2
            *(35, 45, 46, 47),  # unlinkat, truncate, ftruncate, fallocate
            *(52, 53, 452, 88),  # fchmod, fchmodat, fchmodat2, utimensat
            *(43, 44, 140, 141),  # statfs, fstatfs, setpriority, getpriority
        ),
    ),
}


# What is left of calls that do many things. Locks, leases and owners of files are messages to other
# jobs, and so is a name (all may read it); to be dumpable again would give a job back its own
# /proc/self/oom_score_adj.
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_PRCTL = (16, 22)  # PR_GET_NAME, PR_SET_SECCOMP: another filter can only take away
_MADV_MERGEABLE = 12  # equal pages of two containers would become one, which time betrays
_WRITING = (
    0x0001 | 0x0002 | 0x0040 | 0x0200 | 0x0400
)  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND
# Memory that no limit of a process counts: shared, and what may grow like a stack.
_MAP_SHARED, _MAP_GROWSDOWN = 0x001, 0x100


@dataclass(frozen=True)
class Caps:
    """Limits of one job.

    Attributes:
        uid: the slot's own user; the group has the same number.
        memory_mib: private writable memory. Not the address space, which honest threads need.
        cpu_seconds: processor time, all threads together.
    """

    uid: int
    memory_mib: int
    cpu_seconds: int


def enter(caps: Caps, home: str) -> None:
    """Give up everything; `home` is then the only place that can be written to."""
    # A killed job must be the kernel's first choice when memory runs out, before PID 1. Written
    # first: the file belongs to root once the uid has changed.
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"1000")
    os.close(fd)
    os.nice(15)  # PID 1 and the fork server run before their jobs
    os.setgroups([])
    os.setresgid(caps.uid, caps.uid, caps.uid)
    os.setresuid(caps.uid, caps.uid, caps.uid)
    hide()
    os.umask(0o077)
    os.chdir(home)
    _limit(caps)
    _filter()


def prepare() -> None:
    """Say once for all jobs what `narrow` leaves readable: the interpreter's files.

    Nothing of `/proc`, where all processes are seen, and no job's folder.
    """
    reading = struct.pack("Q", _READ_FILE | _READ_DIR | _WRITE_FILE)
    rules = _LIBRARY.syscall(_LANDLOCK_CREATE, reading, len(reading), 0)
    if rules < 0:
        return  # an old kernel, or gVisor
    for place in _READABLE:
        try:
            fd = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not in this image
        rule = struct.pack("=Qi", _READ_FILE | _READ_DIR, fd)
        _LIBRARY.syscall(_LANDLOCK_ADD, rules, _BENEATH, rule, 0)
        os.close(fd)
    _rules.append(rules)


def narrow() -> None:
    """Give up what the members of a society could talk by: threads, folders, other processes.

    On top of `enter`; see `prepare`.
    """
    for rules in _rules:
        if _LIBRARY.syscall(_LANDLOCK_RESTRICT, rules, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self failed")
        os.close(rules)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _NARROW)


def hide() -> None:
    """Close this process' memory, environment and descriptors to every other process."""
    _prctl(_PR_SET_DUMPABLE, 0)


def close_all_but(*keep: int) -> None:
    """Close every descriptor above 2 that is not named, what `prepare` made apart."""
    low = 3
    for fd in sorted({*keep, *_rules}):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _limit(caps: Caps) -> None:
    for name, most in (
        (resource.RLIMIT_DATA, caps.memory_mib * _MIB),
        (resource.RLIMIT_AS, 8192 * _MIB),
        (resource.RLIMIT_FSIZE, 16 * _MIB),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_NPROC, 64),  # threads: there is only one process
        (resource.RLIMIT_STACK, 8 * _MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(name, (most, most))
    # The first ends a job that lets itself be ended, the second every job.
    resource.setrlimit(resource.RLIMIT_CPU, (caps.cpu_seconds, caps.cpu_seconds + 1))


def _filter() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _FILTER)


def _program(machine: Architecture) -> list[bytes]:
    """Return the filter, built from its end, since a jump says how many instructions it skips."""
    refuse = _instruction(_RETURN, _RET_ERRNO | _EPERM)
    allow = _instruction(_RETURN, _RET_ALLOW)
    # clone: a thread only. Its flags are the first argument on both architectures.
    thread = [_instruction(_ANY_BIT, _CLONE_THREAD, 0, 1), allow, refuse]
    unmerged = [_instruction(_EQUAL, _MADV_MERGEABLE, 0, 1), refuse, allow]
    counted = [_instruction(_ANY_BIT, _MAP_SHARED | _MAP_GROWSDOWN, 0, 1), refuse, allow]
    body = [_instruction(_EQUAL, number, 0, 1) + refuse for number in machine.refused]
    pairs = [part[i : i + 8] for part in body for i in (0, 8)]
    return [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_EQUAL, machine.audit, 1, 0),
        _instruction(
            _RETURN, _RET_KILL_PROCESS
        ),  # another instruction set: no filter knows its numbers
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_AT_LEAST, _X32_BIT, 0, 1),
        _instruction(_RETURN, _RET_KILL_PROCESS),
        *pairs,
        _instruction(_EQUAL, machine.clone3, 0, 1),
        _instruction(_RETURN, _RET_ERRNO | _ENOSYS),  # the C library falls back to clone
        *_when(machine.fcntl, 1, _only(_FCNTL)),
        *_when(machine.prctl, 0, _only(_PRCTL)),
        *_when(machine.madvise, 2, unmerged),
        *_when(machine.mmap, 3, counted),
        *_when(machine.clone, 0, thread),
        allow,
    ]


def _narrow_program(machine: Architecture) -> list[bytes]:
    refuse = _instruction(_RETURN, _RET_ERRNO | _EPERM)
    allow = _instruction(_RETURN, _RET_ALLOW)
    read_only = [_instruction(_ANY_BIT, _WRITING, 0, 1), refuse, allow]
    return [
        _instruction(_LOAD, _NUMBER_AT),
        *(part for one in machine.shared for part in (_instruction(_EQUAL, one, 0, 1), refuse)),
        *_when(machine.openat, 2, read_only),
        allow,
    ]


def _when(number: int, argument: int, judged: list[bytes]) -> list[bytes]:
    """Judge one call by the low half of an argument, which is all of it that the kernel takes."""
    load = _instruction(_LOAD, _ARGUMENTS_AT + 8 * argument)
    return [_instruction(_EQUAL, number, 0, len(judged) + 1), load, *judged]


def _only(allowed: tuple[int, ...]) -> list[bytes]:
    each = [_instruction(_EQUAL, value, len(allowed) - at, 0) for at, value in enumerate(allowed)]
    return [*each, _instruction(_RETURN, _RET_ERRNO | _EPERM), _instruction(_RETURN, _RET_ALLOW)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


# Made once, before the forks: a job that made its own would copy a megabyte of memory for it.
_LIBRARY = ctypes.CDLL(None, use_errno=True)
_MACHINE = ARCHITECTURES[os.uname().machine]
_CODES = [
    ctypes.create_string_buffer(b"".join(made))
    for made in (_program(_MACHINE), _narrow_program(_MACHINE))
]
_FILTER, _NARROW = (
    ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(code)))
    for code in _CODES
)
_rules: list[int] = []  # of Landlock: a descriptor that all jobs inherit, once there is one
_READABLE = (
    *("/usr", "/lib", "/lib64", "/etc", "/box", "/sys/devices/system/cpu"),
    *(sys.prefix, os.path.dirname(os.__file__)),
)


def _prctl(option: int, value: int, pointer: object = 0) -> None:
    # Plain integers, which ctypes widens to the 64 bits that the kernel looks at: objects of its
    # own for each would copy some pages more.
    if _LIBRARY.prctl(option, value, pointer, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")
