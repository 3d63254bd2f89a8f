"""Write to the host, to the image, to /proc, /sys and /dev.

threats: 5, 19
docker: answered
wasm: answered
answer: []
"""

import os

from hostile import FILE, FOLDER, succeeded

PLACES = [
    FILE, f"{FOLDER}/x", "/x", "/box/x", "/box/runner/job.py", "/box/agentkit/_link.py", "/etc/x",
    "/etc/passwd", "/etc/hosts", "/etc/hostname", "/usr/x", "/usr/local/bin/python3", "/tmp/x",
    "/var/tmp/x", "/run/x", "/srv/x", "/opt/x", "/dev/x", "/dev/shm/x", "/dev/mqueue/x",
    "/jobs/x", "/sys/x", "/sys/fs/cgroup/x", "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max",
    "/sys/kernel/uevent_helper", "/proc/sys/kernel/core_pattern",
    "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
    "/proc/irq/0/smp_affinity", "/proc/1/oom_score_adj", "/proc/self/oom_score_adj",
    "/proc/self/uid_map", "/proc/self/setgroups", "/proc/self/loginuid", "/dev/mem", "/dev/kmsg",
    "/dev/sda", "/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/vsock", "/dev/vhost-vsock",
]  # fmt: skip


def solve(task):
    def writing(place):
        return lambda: os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))

    made = {f"folder {place}": (lambda p=place: os.mkdir(f"{p}-folder")) for place in PLACES}
    return succeeded(**{place: writing(place) for place in PLACES}, **made)
