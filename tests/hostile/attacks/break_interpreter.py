"""Execute byte code that reads beyond its own arrays.

docker: crashed | out_of_memory | timed_out
wasm: crashed | out_of_memory | timed_out
active: 2
"""


def solve(task):
    def victim():
        return None

    # LOAD_FAST with an index far outside, then RETURN_VALUE
    load, done = 124, 83
    extended = bytes([144, 255, 144, 255])
    code = victim.__code__.replace(
        co_code=bytes([151, 0]) + extended + bytes([load, 255, done, 0]), co_stacksize=8
    )
    victim.__code__ = code
    return victim()
