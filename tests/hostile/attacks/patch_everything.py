"""Change the runner, the library and the interpreter's objects; the next job sees nothing.

threats: 47
docker: answered
wasm: answered
answer: []
times: 12
"""

import builtins
import json
import random
import sys


def solve(task):
    found = []
    for holder in (
        json,
        builtins,
        sys,
        random,
        random.Random,
        sys.modules["agentkit"],
        sys.modules["runner.job"],
    ):
        if hasattr(holder, "left_behind"):
            found.append(holder.__name__)
        holder.left_behind = task.prompt
    if sys.intern("left") in getattr(sys.modules["runner.pipe"], "marks", ()):
        found.append("marks")
    sys.modules["runner.pipe"].marks = ("left",)
    sys.modules["agentkit._link"].call = sys.modules["runner.job"].failure = None
    sys.path.append("/left")
    sys.modules["left_behind"] = json
    found += [name for name in ("left_behind2",) if name in sys.modules]
    sys.modules["left_behind2"] = json
    try:
        import ctypes
    except ImportError:
        return found
    # A small integer becomes another one, for the whole interpreter.
    if 211 + 1 != 212:
        found.append("numbers")
    ctypes.c_long.from_address(id(212) + 24).value = 211
    return found
