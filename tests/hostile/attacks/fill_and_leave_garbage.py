"""Fill all its memory with a mark; whoever gets that memory next finds zeros.

docker: answered
wasm: answered
answer: 0
memory: 48
times: 3
"""

ZEROS = bytes(1 << 20)
MARK = b"left-" + b"behind-in-memory"


def solve(task):
    seen = 0
    kept = []
    try:
        while True:
            block = bytearray(1 << 20)
            seen += block != ZEROS
            block[:] = MARK * ((1 << 20) // len(MARK)) + b"." * ((1 << 20) % len(MARK))
            kept.append(block)
    except MemoryError:
        kept.clear()
    return seen
