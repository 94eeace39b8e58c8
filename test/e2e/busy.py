#!/usr/bin/env python3
"""Threads on machines that have something else to do: more of them than CPUs, CPUs that others keep busy, CPUs that are taken away.
The tokens are the same, and it takes a small factor longer, not hundreds of times. Factors are generous: they tell sleeping from
spinning, which took a thousand times longer, and hold on a machine that others use, too.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import harness
from checkpoint import Shape, write
from harness import expect

TINY = Shape(family="sdar", layers=2, hidden=64, heads=4, kv_heads=2, head_dim=16, mlp=96, vocabulary=300, seed=21)
# Steps of it are shared among workers.
LARGER = Shape(family="sdar", layers=3, hidden=512, heads=8, kv_heads=4, head_dim=64, mlp=768, vocabulary=700, capacity=256, seed=22)
FOLDER, CPUS = tempfile.mkdtemp(), sorted(os.sched_getaffinity(0))


def compiled(name, shape):
    out = os.path.join(FOLDER, name)
    if not os.path.exists(out):
        harness.tool("quoin-compile", write(os.path.join(FOLDER, name + "-hf"), shape), "-o", out, "--weights", "f32")
    return out


def timed(out, threads, **k):
    """The shortest time of three runs, and the tokens."""
    flags = ["--prompt-ids", "7,19,3,200,41", "--max-tokens", "60", "--stop", "", "--json", "--threads", str(threads)]
    runs = [json.loads(harness.tool("quoin-run", out, *flags, **k)) for _ in range(3)]
    return min(r["seconds"] for r in runs), runs[0]["ids"]


def check(what, base, other, factor):
    expect(other[1] == base[1], f"{what}: expects {base[1]}, but found {other[1]}")
    expect(other[0] < factor * base[0] + 0.5, f"{what}: expects at most {factor} times {base[0]:.3f} s, but found {other[0]:.3f} s")


def oversubscribed(name, shape):
    def test():
        out = compiled(name, shape)
        one, notes = timed(out, 1), []
        for threads in (2, 8, 64, 128):
            many = timed(out, threads)
            check(f"{threads} threads", one, many, 10)
            notes.append(f"{threads}: {many[0] / one[0]:.2f}")
        return "times of one thread: " + ", ".join(notes)
    return test


def while_others_compute():
    """A process that never rests on every CPU."""
    out = compiled("larger", LARGER)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in CPUS]
    try:
        one, several = timed(out, 1), timed(out, max(2, len(CPUS)))
    finally:
        for other in others:
            other.kill()
            other.wait()
    check("on busy CPUs", one, several, 10)
    return f"{several[0] / one[0]:.2f} times of one thread"


def on_one_cpu():
    """Those that are asked for and those that there are by default, where the mask leaves one CPU."""
    out = compiled("larger", LARGER)
    before = timed(out, 1)

    def narrow():
        os.sched_setaffinity(0, CPUS[:1])
    check("on one CPU", before, timed(out, 8, preexec_fn=narrow), 20)


def cpus_taken_away():
    """The mask shrinks while it runs: workers that are there meet on one CPU."""
    out = compiled("larger", LARGER)
    one = timed(out, 1)
    flags = ["--prompt-ids", "7,19,3,200,41", "--max-tokens", "60", "--stop", "", "--json", "--batch", "1", "--threads", "2"]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write('{"ids": [7, 19, 3, 200, 41]}\n' * 20)
        f.flush()
        process = subprocess.Popen([os.path.join(harness.BIN, "quoin-run"), out, "--input", f.name, *flags[2:]], stdout=subprocess.PIPE, text=True)
        first = process.stdout.readline()  # its threads are there
        for task in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(task), CPUS[:1])
        killer = threading.Timer(300, process.kill)
        killer.start()
        lines = [first, *process.stdout]
        killer.cancel()
        expect(process.wait() == 0, "expects an end within five minutes")
    runs = [json.loads(line) for line in lines]
    expect(len(runs) == 20 and all(r["ids"] == one[1] for r in runs), "expects the same tokens")
    slowest = sorted(r["seconds"] for r in runs)[10]
    check("CPUs taken away", one, (slowest, one[1]), 20)
    return f"{slowest / one[0]:.2f} times of one thread"


TESTS = [("oversubscribed-tiny", oversubscribed("tiny", TINY)), ("oversubscribed-larger", oversubscribed("larger", LARGER)),
         ("while-others-compute", while_others_compute), ("on-one-cpu", on_one_cpu), ("cpus-taken-away", cpus_taken_away)]

if __name__ == "__main__":
    os.environ["QUOIN_JOBS"] = "1"  # times of one test are not to be those of another
    try:
        harness.main(TESTS)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
