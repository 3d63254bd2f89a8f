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
    return threading.active_count() < 65
