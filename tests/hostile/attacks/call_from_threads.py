"""Ask from forty threads at once.

threats: 54
docker: answered
wasm: answered
answer: 0
"""

import threading

from agentkit import _link


def solve(task):
    got = []

    def ask():
        try:
            got.append(_link.call_blocking("ask", {"agent": "thread", "messages": []}))
        except BaseException:  # noqa: BLE001
            return

    threads = [threading.Thread(target=ask) for _ in range(40)]
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    except RuntimeError:
        pass
    return len(got)
