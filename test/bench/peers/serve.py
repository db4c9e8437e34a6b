"""A peer of the engine benchmark: does one job as often as it is told, and says how long each run took.

    /usr/bin/python3 serve.py torch_jobs|numpy_jobs

One JSON request a line on standard input, one reply a line on standard output. The process lives through all
rounds, so that neither imports nor warm-up are timed.
"""
import ctypes
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


def kernels(libraries):
    """The processor that each OpenBLAS runs its code for."""
    names = set()
    for path in libraries:
        try:
            name = ctypes.CDLL(path).openblas_get_corename
        except (OSError, AttributeError):
            continue
        name.restype = ctypes.c_char_p
        names.add(name().decode())
    return sorted(names)


def is_right():
    """Whether products by BLAS agree with plain sums: some old kernels fail on newer processors."""
    import numpy

    random = numpy.random.default_rng(1)
    for dtype in (numpy.float32, numpy.float64):
        for rows, inner, columns in ((1, 500, 96), (33, 127, 17), (257, 1100, 48), (512, 31, 250)):
            a = random.standard_normal((rows, inner)).astype(dtype)
            b = random.standard_normal((inner, columns)).astype(dtype)
            for left, right in ((a, b), (numpy.asfortranarray(a), b), (a, numpy.asfortranarray(b))):
                exact = numpy.einsum("ik,kj->ij", left.astype(numpy.longdouble), right.astype(numpy.longdouble))
                scale = numpy.einsum("ik,kj->ij", abs(left), abs(right))
                if not (abs(left @ right - exact) <= 100 * numpy.finfo(dtype).eps * scale).all():
                    return False
    return True


def main():
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever a library prints must not end up between the replies.
    module = importlib.import_module(sys.argv[1])
    jobs = {}

    def reply(value):
        replies.write(json.dumps(value) + "\n")
        replies.flush()

    reply({"versions": module.VERSIONS, "blas": blas(), "kernels": kernels(blas()), "isRight": is_right()})
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
