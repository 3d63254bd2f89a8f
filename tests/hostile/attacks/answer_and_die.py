"""Answer, and kill its own process in the same moment: the answer counts, the death does not.

docker: answered
wasm: answered
answer: "last words"
times: 6
"""

import os
import threading

from hostile import kernel, send


def solve(task):
    send({"type": "result", "status": "answered", "answer": "last words", "stdout": ""})
    try:
        kernel(234, 131, os.getpid(), threading.get_native_id(), 9)
    finally:
        os.abort()
