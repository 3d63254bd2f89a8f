"""Makes the files from which interpreters start: compiled code, and the memory of a living one.

Run by file path, in a process of its own, as `python -I -S wasm_prepare.py SITE MODULE CODE MEMORY
KIT PARENT_PID`: compiling takes some seconds and half a gigabyte that the host should not keep. It
imports the standard library and wasmtime, and dies with its host.

How the snapshot works. The module's `_start` runs the interpreter with a program that imports the
kit, the runner and what designs use, and leaves by `proc_exit`, which unwinds nothing inside: the
memory then holds a living interpreter below whose frames another may run. Started again on a copy
of that memory, with the stack pointer where it was, CPython finds itself initialised and goes
straight to the new program. Two things of the C start-up code stand in the way: its stack pointer
is not exported, so the export is added; and its guard against a second start has to be taken back.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["exporting_stack_pointer", "guard_of_start", "main", "sources"]

_PAGE = 4096
_LIMIT_BYTES = 256 << 20
_RUNNER = (
    *("__init__.py", "code.py", "job.py", "loop.py"),
    *("member.py", "pipe.py", "printed.py", "report.py"),
)
_EXPORTS, _CODE = 7, 10
_GLOBAL = 3
# i32.const ADDRESS, i32.load ... i32.const ADDRESS, i32.const 1, i32.store: "was I started before?"
_GUARD = re.compile(
    rb"\x41([\x80-\xff]*[\x00-\x7f])\x28\x02\x00.{1,12}?\x41\1\x41\x01\x36\x02\x00", re.DOTALL
)

BOOT = """
import sys
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec

class Kit(InspectLoader, MetaPathFinder):
    def __init__(self, sources):
        self.sources = sources
    def find_spec(self, name, path=None, target=None):
        if name in self.sources:
            return ModuleSpec(name, self, is_package=self.is_package(name))
    def is_package(self, name):
        return any(other.startswith(name + ".") for other in self.sources)
    def get_source(self, name):
        return self.sources[name]

import json
sys.meta_path.insert(0, Kit(json.loads(sys.argv[1])))
from runner import job
job.preload()
import gc, os
os.environ.clear()
del sys.argv[1:]
gc.collect()
gc.freeze()
os._exit(0)
"""


def main(arguments: list[str]) -> None:
    """Make what is missing of the two files; each appears whole or not at all."""
    site, module, code, memory, kit, parent = arguments
    _child().bind_to_parent(int(parent))
    sys.path.append(site)
    if not os.path.exists(code):
        _write(code, _compiled(Path(module).read_bytes()))
    _write(memory, _snapshot(code, Path(module).read_bytes(), sources(Path(kit))))


def _child() -> Any:
    """The module beside this one; by path, because this process knows no package."""
    path = Path(__file__).with_name("wasm_child.py")
    spec = importlib.util.spec_from_file_location("wasm_child", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _compiled(module: bytes) -> bytes:
    import wasmtime

    done = wasmtime.Module(_child().engine(), exporting_stack_pointer(module))
    return bytes(done.serialize())


def sources(kit: Path) -> dict[str, str]:
    """Return module name -> source of the kit and of the part of the runner that is not docker's.

    Args:
        kit: the directory that holds `agentkit` and `runner`.
    """
    paths = [*sorted(kit.glob("agentkit/*.py")), *(kit / "runner" / name for name in _RUNNER)]
    names = [".".join(path.relative_to(kit).with_suffix("").parts) for path in paths]
    return {
        name.removesuffix(".__init__"): path.read_text(encoding="utf-8")
        for name, path in zip(names, paths, strict=True)
    }


def _snapshot(code: str, raw: bytes, sources: dict[str, str]) -> bytes:
    """Run the boot program and return what it changed in memory, behind one line of JSON."""
    import wasmtime

    child = _child()
    where = child.engine()
    module = wasmtime.Module.deserialize_file(where, code)
    store = wasmtime.Store(where)
    store.set_limits(memory_size=_LIMIT_BYTES)
    wasi = wasmtime.WasiConfig()
    wasi.argv = [*child.FLAGS, BOOT, json.dumps(sources)]
    wasi.env = [("PYTHONHASHSEED", "0")]  # the order of sets is the same in every job
    wasi.inherit_stderr()
    store.set_wasi(wasi)
    linker = wasmtime.Linker(where)
    linker.define_wasi()
    instance = linker.instantiate(store, module)
    exports: Any = instance.exports(store)
    before = _memory(store, exports["memory"])
    try:
        exports["_start"](store)
    except wasmtime.ExitTrap as end:
        if end.code != 0:
            raise SystemExit(f"the boot program ended with {end.code}") from None
    after = bytearray(_memory(store, exports["memory"]))
    guard = guard_of_start(raw)
    if guard is not None:
        after[guard : guard + 4] = bytes(4)
    runs = list(_changed(before, after))
    head = {
        "stack": exports[child.STACK_POINTER].value(store),
        "pages": exports["memory"].size(store),
        "runs": runs,
    }
    parts = [bytes(after[start : start + size]) for start, size in runs]
    return b"".join([json.dumps(head).encode(), b"\n", *parts])


def _memory(store: Any, memory: Any) -> bytes:
    return ctypes.string_at(memory.data_ptr(store), memory.data_len(store))


def _changed(before: bytes, after: bytearray) -> Iterator[tuple[int, int]]:
    """Stretches (start, size) of pages in which the two differ; what is new was zero before."""
    zero = bytes(_PAGE)
    start = -1
    for at in range(0, len(after), _PAGE):
        same = after[at : at + _PAGE] == (before[at : at + _PAGE] or zero)
        if same and start >= 0:
            yield start, at - start
            start = -1
        elif not same and start < 0:
            start = at
    if start >= 0:
        yield start, len(after) - start


def _write(path: str, data: bytes) -> None:
    """Write beside and rename: another process sees the whole file or none."""
    draft = f"{path}.{os.getpid()}.part"
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        if os.path.exists(draft):
            os.remove(draft)


# The module's binary format: WebAssembly Core Specification 2.0, section 5.5.


def exporting_stack_pointer(module: bytes) -> bytes:
    """Return the module with its first global, the C stack pointer of LLVM, exported too."""
    start, size = _section(module, _EXPORTS)
    count, at = _number(module, start)
    name: bytes = _child().STACK_POINTER.encode()
    entry = bytes([len(name)]) + name + bytes([_GLOBAL, 0])
    body = _leb(count + 1) + module[at : start + size] + entry
    head = module.rindex(bytes([_EXPORTS]), 0, start - 1)
    return module[:head] + bytes([_EXPORTS]) + _leb(len(body)) + body + module[start + size :]


def guard_of_start(module: bytes) -> int | None:
    """Return the address of the flag by which `_start` refuses a second call, if it has one."""
    function = _exported_function(module, b"_start") - _imported_functions(module)
    at, _ = _section(module, _CODE)
    _, at = _number(module, at)
    for _ in range(function):
        size, at = _number(module, at)
        at += size
    found = _GUARD.search(module[at : at + 400])
    return _number(found.group(1), 0)[0] if found else None


def _exported_function(module: bytes, wanted: bytes) -> int:
    at, _ = _section(module, _EXPORTS)
    count, at = _number(module, at)
    for _ in range(count):
        size, at = _number(module, at)
        name, at = module[at : at + size], at + size
        kind = module[at]
        index, at = _number(module, at + 1)
        if name == wanted and kind == 0:
            return index
    raise SystemExit("the module exports no _start")


def _imported_functions(module: bytes) -> int:
    """The number of imports; a WASI command imports functions only."""
    at, _ = _section(module, 2)
    return _number(module, at)[0]


def _section(module: bytes, wanted: int) -> tuple[int, int]:
    """Start and size of a section's content."""
    at = 8
    while at < len(module):
        kind = module[at]
        size, at = _number(module, at + 1)
        if kind == wanted:
            return at, size
        at += size
    raise SystemExit(f"the module has no section {wanted}")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; return it and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


if __name__ == "__main__":
    main(sys.argv[1:])
