"""A peer of the engine benchmark: does one job as often as it is told, and says how long each run took.

    /usr/bin/python3 serve.py torch_jobs|numpy_jobs

One JSON request a line on standard input, one reply a line on standard output. The process lives through all
rounds, so that neither imports nor warm-up are timed.
"""
import importlib
import json
import os
import sys
import time

sys.dont_write_bytecode = True


def blas():
    """The BLAS libraries that this process really loaded."""
    with open("/proc/self/maps") as maps:
        return sorted({line.split()[-1] for line in maps if "blas" in line and "/" in line})


def main():
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever a library prints must not end up between the replies.
    module = importlib.import_module(sys.argv[1])
    jobs = {}

    def reply(value):
        replies.write(json.dumps(value) + "\n")
        replies.flush()

    reply({"versions": module.VERSIONS, "blas": blas()})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                jobs[request["prepare"]] = module.JOBS[request["prepare"]](**request.get("options", {}))
                reply({})
            elif "forget" in request:
                jobs.pop(request["forget"])
                reply({})
            else:
                job = jobs[request["run"]]
                start = time.perf_counter()
                values = job()
                reply({"seconds": time.perf_counter() - start, "values": values or {}})
        except Exception as error:  # The benchmark shows it and goes on without this peer.
            reply({"error": f"{type(error).__name__}: {error}"})


main()
