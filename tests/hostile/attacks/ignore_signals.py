"""Catch everything, block and ignore every signal, and go on for ever.

threats: 22
docker: timed_out
wasm: timed_out
active: 0.5
"""


def solve(task):
    try:
        import signal

        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                continue
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    except (ImportError, AttributeError):
        pass
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001
            continue
