"""Set the machine's clock, and lie about the time inside.

threats: 18
docker: answered
wasm: answered
answer: []
"""

import time
from pathlib import Path

from hostile import kernel, succeeded


def solve(task):
    import struct

    now = struct.pack("qq", 0, 0)
    done = succeeded(
        set=lambda: time.clock_settime(time.CLOCK_REALTIME, 0.0),
        settimeofday=lambda: kernel(164, 170, now, 0),
        adjust=lambda: kernel(305, 266, 0, b"\1" + b"\0" * 207),
        namespace=lambda: Path("/proc/self/timens_offsets").write_text("monotonic 1 0"),
    )
    time.monotonic = time.time = time.perf_counter = lambda: -1e9
    return done
