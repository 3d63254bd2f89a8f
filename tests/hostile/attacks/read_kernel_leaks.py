"""Read what tells of the host or of other containers: modules, addresses, tables, devices.

docker: answered
wasm: answered
answer: []
"""

import re
from contextlib import suppress
from itertools import islice

ADDRESS = re.compile(r"\b(?:0x)?([0-9a-f]{16})\b")  # zeros, where the kernel hides them
PLACES = [
    "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
    "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kpageflags", "/proc/kpagecount",
    "/sys/kernel/security/apparmor", "/sys/kernel/debug/sched", "/sys/kernel/tracing/trace",
    "/sys/firmware/acpi/tables", "/sys/firmware/dmi/tables/DMI", "/proc/acpi/alarm",
    "/proc/scsi/scsi", "/dev/mem", "/dev/port", "/dev/kmsg",
]  # fmt: skip


def solve(task):
    found = []
    for place in PLACES:
        try:
            with open(place, "rb") as file:
                if file.read(16):
                    found.append(place)
        except OSError:
            continue
    for place in ("/proc/kallsyms", "/proc/modules"):
        with suppress(OSError), open(place) as file:
            addresses = ADDRESS.findall("".join(islice(file, 50)))
            found += [place] if any(int(each, 16) for each in addresses) else []
    return found
