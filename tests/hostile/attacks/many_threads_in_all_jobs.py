"""Use up the container's processes from several jobs at once.

docker: answered
wasm: answered
answer: true
together: 6
alone: yes
"""

import threading
import time


def solve(task):
    try:
        for _ in range(500):
            threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
    except RuntimeError:
        pass
    time.sleep(1)
    # An honest pool of threads fits, a flood does not; WebAssembly has none at all.
    return threading.active_count() == 1 or 20 < threading.active_count() < 65
