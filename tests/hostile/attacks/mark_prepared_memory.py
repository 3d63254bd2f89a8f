"""Write into every module and cache that was prepared before it; the next job sees nothing.

docker: answered
wasm: answered
answer: []
times: 4
"""

import gc
import linecache
import re
import sys
import types

NAME = "_left_by_a_job"


def solve(task):
    found = []
    gc.unfreeze()  # what was there before the job is found, too
    everything = {id(each): each for each in (*gc.get_objects(), *sys.modules.values())}
    for each in everything.values():
        if isinstance(each, types.ModuleType | types.FunctionType):
            if NAME in vars(each):
                found.append(str(each))
            try:
                vars(each)[NAME] = task.prompt
            except TypeError:
                continue
    found += [name for name in linecache.cache if "left" in name]
    linecache.cache["left.py"] = (1, None, ["left"], "left.py")
    found += (
        ["pattern"] if any("left_pattern" in str(key) for key in getattr(re, "_cache", ())) else []
    )
    re.compile("left_pattern")
    sys.setrecursionlimit(77_777) if sys.getrecursionlimit() != 77_777 else found.append(
        "recursion"
    )
    sys.setswitchinterval(0.123) if abs(sys.getswitchinterval() - 0.123) > 1e-6 else found.append(
        "switch"
    )
    return found
