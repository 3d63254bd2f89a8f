"""Change seed, entry and limits of its own job while it runs, and run it again.

docker: answered | crashed
wasm: answered | crashed
active: 2
"""

import gc
import sys


def solve(task):
    job = sys.modules["runner.job"]
    if getattr(job, "again", False):
        return "again"
    job.again = True
    gc.unfreeze()  # what was there before the job is found, too
    for each in gc.get_objects():
        if isinstance(each, dict) and each.get("type") == "job":
            each.update(
                entry="run_code", seed=7, limits={"answer_bytes": 10**9, "open_calls": 10**9}
            )
            pipe = next(one for one in gc.get_objects() if type(one).__name__ == "Pipe")
            pipe.send(job.run(each, job.Stage(pipe)))
    return "once"
