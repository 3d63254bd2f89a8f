"""Read what tells of the host or of other containers: modules, addresses, tables, devices.

docker: answered
wasm: answered
answer: []
"""

PLACES = [
    "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
    "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kpageflags", "/proc/kpagecount", "/proc/iomem_",
    "/sys/kernel/security/apparmor", "/sys/kernel/debug/sched", "/sys/kernel/tracing/trace",
    "/sys/firmware/acpi/tables", "/sys/firmware/dmi/tables/DMI", "/proc/acpi/alarm",
    "/proc/scsi/scsi", "/dev/mem", "/dev/port", "/dev/kmsg", "/proc/1/mountinfo_",
    "/proc/self/pagemap_",
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
    addresses = []
    for place in ("/proc/kallsyms", "/proc/modules"):
        try:
            with open(place) as file:
                addresses += [
                    line
                    for line in file.readlines()[:50]
                    if "0x0000" not in line and int(line[:16], 16)
                ]
        except (OSError, ValueError):
            continue
    return found + addresses
